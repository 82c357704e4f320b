"""Comparisons with numbers: of models, and of methods.

    from tfgenxai import compare
    found = compare.run("shap-lime", size=50)
    found.findings, found.frames, found.figures, found.json()
    found.save("runs/shap-lime")

`COMPARISONS` is the registry. Importing this package loads no comparison.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, NamedTuple

from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison
    from tfgenxai.compare.subjects import Subjects


class Entry(NamedTuple):
    """A registered comparison.

    Attributes:
        module, function: where it is, below this package.
        summary: what it compares, in a line.
        size: images that it looks at unless told otherwise.
        least: the fewest that it can look at.
    """

    module: str
    function: str
    summary: str
    size: int
    least: int


COMPARISONS: dict[str, Entry] = {
    "vae-gan": Entry(
        "vae_gan",
        "compare_vae_gan",
        "a VAE against a GAN: samples, latent spaces, inversion, neurons, heatmaps, cost",
        2000,
        100,
    ),
    "gan-cgan": Entry(
        "gan_cgan",
        "compare_gan_cgan",
        "a GAN against a conditional GAN: samples, what label and code decide, directions",
        2000,
        100,
    ),
    "shap-lime": Entry(
        "shap_lime",
        "compare_shap_lime",
        "SHAP against LIME on images and latents, and what is said of them held against numbers",
        8,
        2,
    ),
    "saliency-lrp": Entry(
        "saliency_lrp",
        "compare_saliency_lrp",
        "saliency against LRP on three networks, and what is said of them held against numbers",
        24,
        2,
    ),
    "conclusions": Entry(
        "conclusions",
        "compare_conclusions",
        "four common conclusions about digits, neurons and latent codes, tested with controls",
        1000,
        200,
    ),
    "methods": Entry(
        "methods",
        "compare_methods",
        "every attribution method on every metric, on five networks",
        12,
        4,
    ),
    "attention": Entry(
        "attention",
        "compare_attention",
        "self-attention of GANs against attribution, gradients, and leaving it out",
        64,
        8,
    ),
    "attacks": Entry(
        "attacks",
        "compare_attacks",
        "adversarial attacks against explanations: whether both point at the same pixels",
        200,
        10,
    ),
    "clusters": Entry(
        "clusters",
        "compare_clusters",
        "variational clusters of MNIST and of pixels, and what is claimed of them, with controls",
        500,
        100,
    ),
    "cue": Entry(
        "cue",
        "compare_cue",
        "a planted cue that a classifier and a VAE go by: which attribution methods find it",
        50,
        3,
    ),
    "infogan": Entry(
        "infogan",
        "compare_infogan",
        "codes of InfoGANs: the category against the digit, what the others change, styles",
        10_000,
        100,
    ),
    "bigan": Entry(
        "bigan",
        "compare_bigan",
        "a GAN with an encoder against a VAE: codes, restored images, the same explanations",
        2000,
        100,
    ),
    "words": Entry(
        "words",
        "compare_words",
        "handwriting explained: filters, parts of the style, reading and attention by character",
        24,
        6,
    ),
}


def entry(name: str) -> Entry:
    """The comparison of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in COMPARISONS:
        close = difflib.get_close_matches(name, COMPARISONS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"There is no comparison {name!r}; there are {', '.join(COMPARISONS)}.{hint}"
        )
    return COMPARISONS[name]


def run(
    name: str,
    subjects: Subjects | None = None,
    *,
    size: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """The comparison `name`, done.

    Args:
        name: see `COMPARISONS`.
        subjects: models and images; those that ship, by default.
        size: images (and codes) to look at.
        seed: of all that is drawn.
        progress: show a bar on stderr.

    Raises:
        UsageError: there is no such comparison.
    """
    from tfgenxai.compare.subjects import Subjects

    chosen = entry(name)
    function = getattr(
        importlib.import_module(f"tfgenxai.compare.{chosen.module}"), chosen.function
    )
    return function(
        subjects or Subjects.load(),
        size=chosen.size if size is None else size,
        seed=seed,
        progress=progress,
    )
