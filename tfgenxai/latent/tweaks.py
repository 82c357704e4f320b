"""Node tweaking: what a latent dimension draws, beside the pixels that set it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.latent.checks import check_codes
from tfgenxai.latent.spaces import MEANS
from tfgenxai.latent.walks import Traversal, traversal

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Tweaks:
    """One image, its traversal, and where each of the moved dimensions looks in it.

    Attributes:
        image: (H, W, C) in [0, 1], the image that was encoded.
        code: (D,) its posterior mean, from which the traversal starts.
        traversal: Images along each dimension.
        heatmaps: (R, h, w) Latent Grad-CAM of each dimension, at the layer's resolution.
        layer: The encoder's layer of the heatmaps.
    """

    image: np.ndarray
    code: np.ndarray
    traversal: Traversal
    heatmaps: np.ndarray
    layer: str


def tweak(
    encode: Graph,
    decode: Graph,
    image: np.ndarray,
    dimensions: Sequence[int],
    *,
    layer: str | None = None,
    reach: float = 3.0,
    steps: int = 9,
    within: np.ndarray | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Tweaks:
    """The image along the range of some dimensions, with their heatmaps.

    Args:
        encode, decode: The encoder's and the decoder's graph.
        image: (H, W, C) in [0, 1], as the encoder was trained on them.
        dimensions: Which ones, from 0; see `most_active`.
        layer: The encoder's layer for Latent Grad-CAM; the last convolution by default.
        reach, steps, within: See `traversal`.
        extra: The other inputs of a conditional model, for both graphs, such as {"label": 3}.

    Raises:
        UsageError, InvalidInputError: As `traversal` and `LatentGradCAM`.
    """
    from tfgenxai.attribution.latent_grad_cam import LatentGradCAM
    from tfgenxai.explained import find_output
    from tfgenxai.targets import Latent

    given = {name: np.atleast_1d(value) for name, value in (extra or {}).items()}
    picture = next(name for name in encode.inputs if name not in given)
    inputs = {picture: np.asarray(image, np.float32)[None], **given}
    mean = find_output(encode, None, MEANS, "Tweaking")
    code = encode.function(list(inputs), mean)(*inputs.values()).numpy()[0]
    walked = traversal(
        decode, code, dimensions, reach=reach, steps=steps, within=within, extra=extra
    )
    method = LatentGradCAM(encode, layer)
    maps = method(inputs, Latent(walked.dimensions), progress=False)
    return Tweaks(np.asarray(image), code, walked, maps.values[0], method.layer_name)


def most_active(codes: np.ndarray, count: int) -> tuple[int, ...]:
    """The `count` dimensions whose means (N, D) vary most over the data, the first one most.

    A dimension that the model does not use stays at the prior's mean, 0, for every image.
    """
    variance = check_codes(codes).var(axis=0)
    return tuple(int(d) for d in np.argsort(-variance, kind="stable")[:count])
