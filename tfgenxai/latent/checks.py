"""Checks of the arrays that the latent tools take."""

from __future__ import annotations

import numpy as np

from tfgenxai.errors import InvalidInputError


def check_codes(codes: np.ndarray, *, rows: int = 2, width: int | None = None) -> np.ndarray:
    """`codes` as float64 (N, D), finite, with at least `rows` rows and, if given, D = `width`.

    Raises:
        InvalidInputError: Wrong type or rank, too few rows, wrong width, NaN or infinity.
    """
    try:
        array = np.asarray(codes, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Latent codes must be an array of numbers of shape (N, D); this is not one ({error})."
        ) from None
    if array.ndim != 2:
        raise InvalidInputError(
            f"Latent codes must have shape (N, D), one row a sample; these have shape "
            f"{array.shape}. Flatten feature maps with codes.reshape(len(codes), -1)."
        )
    if len(array) < rows or array.shape[1] < 1:
        raise InvalidInputError(
            f"At least {rows} codes of one dimension or more are needed; "
            f"there are {len(array)} of {array.shape[1]} dimensions."
        )
    if width is not None and array.shape[1] != width:
        raise InvalidInputError(
            f"The codes have {array.shape[1]} dimensions; {width} were expected."
        )
    bad = len(array) - int(np.isfinite(array).all(axis=1).sum())
    if bad:
        raise InvalidInputError(
            f"{bad} of {len(array)} codes hold NaN or infinite values; "
            "drop them, or check the encoder that made them."
        )
    return array


def check_labels(labels: np.ndarray, rows: int) -> np.ndarray:
    """`labels` as an array (N,) with N = `rows` and at least two classes.

    Raises:
        InvalidInputError: Another shape, NaN labels, or a single class.
    """
    array = np.asarray(labels)
    if array.shape != (rows,):
        raise InvalidInputError(
            f"Labels must have shape ({rows},), one a code; these have shape {array.shape}."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidInputError("Labels hold NaN or infinite values; give whole numbers.")
    if len(np.unique(array)) < 2:
        raise InvalidInputError("All labels are the same; at least two classes are needed.")
    return array
