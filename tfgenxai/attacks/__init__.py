"""Adversarial examples: images changed by little, of which a network makes something else.

    attack = PGD(load("classifier")["classify"], eps=0.1)
    found = attack(images)
    found.adversarial, found.deltas, found.success.mean()

`ATTACKS` is the registry. Importing this package loads no attack.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.attacks.base import Attack
    from tfgenxai.attacks.deepfool import DeepFool
    from tfgenxai.attacks.fgsm import FGSM
    from tfgenxai.attacks.pgd import PGD
    from tfgenxai.attacks.result import Adversarial, Redirected
    from tfgenxai.attacks.universal import Universal
    from tfgenxai.attacks.vae import LatentAttack, OutputAttack, VaeAttack


class Entry(NamedTuple):
    """A registered attack.

    Attributes:
        module, cls: the class, and the module below this package that holds it.
        on: what it attacks, "classifier" or "vae".
        summary: what it does, in a line.
        source: who proposed it.
    """

    module: str
    cls: str
    on: str
    summary: str
    source: str


ATTACKS: dict[str, Entry] = {
    "fgsm": Entry(
        "fgsm",
        "FGSM",
        "classifier",
        "one step along the gradient",
        "Goodfellow, Shlens and Szegedy 2015",
    ),
    "pgd": Entry(
        "pgd",
        "PGD",
        "classifier",
        "many small steps, drawn back into a ball around the image",
        "Madry et al. 2018",
    ),
    "deepfool": Entry(
        "deepfool",
        "DeepFool",
        "classifier",
        "the nearest point of another class",
        "Moosavi-Dezfooli, Fawzi and Frossard 2016",
    ),
    "universal": Entry(
        "universal",
        "Universal",
        "classifier",
        "one perturbation for all images",
        "Moosavi-Dezfooli et al. 2017",
    ),
    "latent": Entry(
        "vae",
        "LatentAttack",
        "vae",
        "an image whose code is that of another",
        "Kos, Fischer and Song 2018",
    ),
    "output": Entry(
        "vae",
        "OutputAttack",
        "vae",
        "an image whose reconstruction is another",
        "Kos, Fischer and Song 2018",
    ),
}

_HOMES = {
    "Adversarial": "result",
    "Attack": "base",
    "Redirected": "result",
    "VaeAttack": "vae",
    **{entry.cls: entry.module for entry in ATTACKS.values()},
}

__all__ = [
    "ATTACKS",
    "Adversarial",
    "Attack",
    "DeepFool",
    "Entry",
    "FGSM",
    "LatentAttack",
    "OutputAttack",
    "PGD",
    "Redirected",
    "Universal",
    "VaeAttack",
    "attack_entry",
    "create",
]


def attack_entry(name: str) -> Entry:
    """What the registry says of an attack; loads nothing.

    Raises:
        UsageError: no attack has this name.
    """
    if name not in ATTACKS:
        close = difflib.get_close_matches(name, ATTACKS, n=2) or ATTACKS
        raise UsageError(f"No attack is called {name!r}; try {', '.join(close)}.")
    return ATTACKS[name]


def create(name: str, victim: Any, **options: Any) -> Attack | VaeAttack:
    """The attack registered under this name, on this classifier's graph or VAE.

    Raises:
        UsageError: no attack has this name, or the attack does not take these options.
    """
    entry = attack_entry(name)
    found = getattr(_module(entry.module), entry.cls)
    known = [*inspect.signature(found).parameters][1:]
    if unknown := [option for option in options if option not in known]:
        raise UsageError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    return found(victim, **options)


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
