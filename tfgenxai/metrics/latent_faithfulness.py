"""Faithfulness of latent relevance: the image changes as the important dimensions go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import find_output
from tfgenxai.latent.decoding import prior_codes
from tfgenxai.metrics.curve import Curve
from tfgenxai.metrics.relevance import relevance_rows
from tfgenxai.metrics.removal import Removal
from tfgenxai.metrics.scores import Scores, values_of, whole
from tfgenxai.targets import ReconstructionError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def latent_deletion(
    decode: Graph,
    codes: Any,
    relevance: Any,
    *,
    replace: Literal["zero", "resample"] = "zero",
    steps: int = 20,
    draws: int = 4,
    controls: int = 3,
    prior: Graph | None = None,
    seed: int = 0,
) -> Curve:
    """Squared distance of the image from the original as latents go: a larger area is better.

    The most important dimensions go first, by absolute relevance, since an image moves whichever
    sign a dimension's relevance has. The scores are means over the pixels.

    Args:
        decode: a decoder or generator: a code in, `image` out.
        codes: (N, d), or what else a `Method` on the decoder takes.
        relevance: importance of every dimension, (N, d): an `Attribution` of a decoder's target,
            or KL divergence by dimension.
        replace: "zero" sets dimensions to 0, the mean of N(0, 1), "resample" to draws of the prior.
        steps, controls, seed: see `faithfulness.deletion`.
        draws: how often the dimensions are resampled, the curve being the mean.
        prior: a model's signature from `eps` to `z`; by default codes are standard normal.
    """
    if replace not in ("zero", "resample"):
        raise UsageError(f"replace is 'zero' or 'resample', not {replace!r}.")
    if draws < 1:
        raise UsageError(f"draws= must be at least 1, not {draws}.")
    given = whole(codes, decode)
    image = find_output(decode, None, ("image",), "latent_deletion")
    originals = values_of(image, given, decode)
    scores = Scores(decode, given, ReconstructionError(images=originals), seed=seed)
    if scores.x.ndim != 2:
        raise InvalidInputError(f"Codes have shape (N, d), not {scores.x.shape}.")
    importance = np.abs(relevance_rows(relevance, scores.grid, len(scores)))
    if replace == "zero":
        baselines = [np.zeros_like(scores.x)]
    else:
        streams = [np.random.default_rng([seed, n]) for n in range(len(scores))]
        baselines = [
            prior_codes(
                prior, np.stack([rng.standard_normal(scores.x.shape[1]) for rng in streams])
            )
            for _ in range(draws)
        ]
    options = {"steps": steps, "controls": controls, "seed": seed}
    curves = [
        Removal(scores, importance, baseline=baseline, **options).curve("latent_deletion", 1)
        for baseline in baselines
    ]
    pixels = originals[0].size
    return Curve(
        "latent_deletion",
        curves[0].fractions,
        np.mean([curve.scores for curve in curves], axis=0) / pixels,
        np.mean([curve.control for curve in curves], axis=0) / pixels,
        1,
    )
