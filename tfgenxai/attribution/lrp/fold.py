"""Makes a bias, a batch normalisation or another rescaling part of the step before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.network import Step


def fold(
    step: Step,
    shape: Sequence[int],
    scale: np.ndarray | None,
    shift: np.ndarray | None,
    reshaped: bool,
) -> Step | None:
    """The step that gives scale * value + shift, or None where one step of its kind cannot.

    Args:
        step: a kernel or an affine step.
        shape: of one sample of its value.
        scale, shift: broadcast to a sample; None for 1 and 0.
        reshaped: whether they belong to another shape of the value, with the same last axis.
    """
    channels = shape[-1] if shape else 1
    factor, added = (_by_channel(array, channels) for array in (scale, shift))
    if (factor is None, added is None) != (scale is None, shift is None):
        if step.kind != "affine" or reshaped:
            return None
        factor, added = scale, shift
    assert step.weights is not None
    weights, bias = step.weights, step.bias
    dtype = weights.dtype
    if factor is not None:
        weights = _scaled(step.kind, weights, factor.astype(np.float64)).astype(dtype)
        bias = None if bias is None else bias * factor
    if added is not None:
        bias = added if bias is None else bias + added
    return replace(step, weights=weights, bias=None if bias is None else bias.astype(dtype))


def _by_channel(array: np.ndarray | None, channels: int) -> np.ndarray | None:
    """The array as (channels,), if it differs along the last axis only."""
    if array is None or np.size(array) not in (1, channels):
        return None
    if np.size(array) == channels > 1 and np.shape(array)[-1] != channels:
        return None
    return np.broadcast_to(np.ravel(array), (channels,))


def _scaled(kind: str, weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Weights times one number for each channel that comes out."""
    if kind == "conv_transpose":
        return weights * scale[:, None]
    if kind == "depthwise":
        return weights * scale.reshape(weights.shape[2:])
    return weights * scale
