"""Functions of many inputs, a batch at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def batched(function: Any, inputs: np.ndarray, size: int = 256) -> np.ndarray:
    """`function` of all `inputs`, a batch at a time."""
    parts = [
        function(tf.constant(inputs[start : start + size])).numpy()
        for start in range(0, len(inputs), size)
    ]
    return np.concatenate(parts)
