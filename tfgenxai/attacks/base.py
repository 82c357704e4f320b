"""`Attack`: what all attacks on classifiers share. A subclass is one file with one formula."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import softmax

from tfgenxai.attacks.result import Adversarial
from tfgenxai.attacks.victim import Victim
from tfgenxai.attribution.inputs import checked
from tfgenxai.data.images import ImageData
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Batch:
    """What an attack is given at a time.

    Attributes:
        images: (n, H, W, C) in [0, 1].
        seen: (n,), the class that the classifier sees.
        target: (n,), the class wanted, or None.
        allowed: bool (n, H, W, C), the values that may change.
        start: place of the first image among all.
    """

    images: np.ndarray
    seen: np.ndarray
    target: np.ndarray | None
    allowed: np.ndarray
    start: int


class Attack(ABC):
    """An attack on a classifier.

    It leads away from the class that the classifier sees, which need not be the right one, or
    towards a target. Images stay in [0, 1].

    Args:
        graph: a classifier's: images in, `logits` out.
        seed: of what is drawn; an image's draws do not depend on the batch it comes in.
    """

    #: name in the registry
    name: ClassVar[str]
    #: whether it can lead towards a class
    targeted: ClassVar[bool] = False

    def __init__(self, graph: Graph, *, seed: int = 0) -> None:
        self.victim = Victim(graph)
        self.seed = seed

    def __call__(
        self,
        images: Any,
        *,
        target: int | np.ndarray | None = None,
        mask: np.ndarray | None = None,
        batch_size: int = 256,
        progress: bool | None = None,
    ) -> Adversarial:
        """Attacks every image.

        Args:
            images: (N, H, W, C) in [0, 1], or `ImageData`.
            target: the class to be taken for, one for all or (N,); any other class by default.
            mask: bool (H, W) or (N, H, W), the pixels that may change; all by default.
            batch_size: images at a time.
            progress: show a bar on stderr; by default on a terminal.

        Raises:
            UsageError: the attack has no target, or there is no such class.
            InvalidInputError: wrong shape or range, NaN or infinite values, or no images.
        """
        x = checked_images(images, self.victim.graph, self.victim.input)
        goals = None if target is None else self._goals(target, len(x))
        allowed = allowed_values(mask, x)
        before = self.victim.logits(x)
        seen = before.argmax(axis=1)
        self.prepare(x, allowed)
        parts = []
        shown = sys.stderr.isatty() if progress is None else progress
        with counter(self.name, len(x), shown) as done:
            for start in range(0, len(x), batch_size):
                rows = slice(start, start + batch_size)
                wanted = None if goals is None else goals[rows]
                parts.append(self.perturb(Batch(x[rows], seen[rows], wanted, allowed[rows], start)))
                done(len(parts[-1]))
        adversarial = x + np.concatenate(parts)
        after = self.victim.logits(adversarial)
        votes = after.argmax(axis=1)
        return Adversarial(
            images=x,
            adversarial=adversarial,
            success=votes != seen if goals is None else votes == goals,
            attack=self.name,
            settings=self.settings(),
            before=softmax(before, axis=1),
            after=softmax(after, axis=1),
            target=goals,
        )

    def prepare(self, images: np.ndarray, allowed: np.ndarray) -> None:  # noqa: B027
        """What is to be done once, before the first batch; nothing by default."""

    @abstractmethod
    def perturb(self, batch: Batch) -> np.ndarray:
        """What to add, float32 (n, H, W, C); 0 where nothing may change."""

    def settings(self) -> dict[str, Any]:
        """Settings to record with the result; JSON values."""
        return {"seed": self.seed}

    def slope(self, batch: Batch, images: np.ndarray) -> np.ndarray:
        """Where the loss of the class seen rises, or that of the target falls."""
        if batch.target is None:
            return self.victim.slope(images, batch.seen)
        return -self.victim.slope(images, batch.target)

    def _goals(self, target: int | np.ndarray, count: int) -> np.ndarray:
        if not self.targeted:
            raise UsageError(
                f"{self.name} leads away from a class and towards none: take fgsm or pgd for a "
                "target."
            )
        goals = np.asarray(target)
        if goals.dtype.kind not in "iu" or goals.shape not in ((), (count,)):
            raise InvalidInputError(
                f"target= is a class, or one for each of the {count} images, not {target!r}."
            )
        goals = np.broadcast_to(goals, (count,)).astype(np.int64)
        if goals.min() < 0 or goals.max() >= self.victim.classes:
            raise UsageError(
                f"There is no class {goals[(goals < 0) | (goals >= self.victim.classes)][0]}: they "
                f"run from 0 to {self.victim.classes - 1}."
            )
        return goals


def checked_images(images: Any, graph: Graph, name: str) -> np.ndarray:
    """The images as the graph's input takes them, (N, H, W, C) in [0, 1].

    Raises:
        InvalidInputError: wrong shape or range, NaN or infinite values, or no images.
    """
    given = images.images if isinstance(images, ImageData) else images
    x = checked(name, given, graph.inputs[name])
    if not len(x):
        raise InvalidInputError("There is nothing to attack: there are no images.")
    if x.min() < 0.0 or x.max() > 1.0:
        raise InvalidInputError(
            f"Images must lie in [0, 1]; these run from {x.min():g} to {x.max():g}."
        )
    return x


def allowed_values(mask: np.ndarray | None, images: np.ndarray) -> np.ndarray:
    """The values that may change, bool of the images' shape (N, H, W, C).

    Raises:
        InvalidInputError: the mask has another shape, or is not boolean.
    """
    if mask is None:
        return np.ones(images.shape, bool)
    chosen = np.asarray(mask)
    pixels = images.shape[:3]
    if chosen.dtype != bool or chosen.shape not in (pixels, pixels[1:]):
        raise InvalidInputError(
            f"mask= is boolean, of shape {pixels[1:]} or {pixels}; not {chosen.dtype} "
            f"{chosen.shape}."
        )
    return np.broadcast_to(np.broadcast_to(chosen, pixels)[..., None], images.shape)
