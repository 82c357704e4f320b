"""Layer-CAM, by tf-keras-vis."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfgenxai.attribution.keras_vis import RAW, KerasVisCAM


class LayerCAM(KerasVisCAM):
    """ReLU(sum_k ReLU(df/dA_k) A_k), place by place (Jiang et al. 2021).

    The maps are those of `tf_keras_vis.layercam.Layercam` on the Keras model that the graph was
    exported from, raw: see `keras_vis`. Unlike Grad-CAM, whose weights are means over places, it
    has sharp maps in early layers too.
    """

    name = "layer_cam"

    def cam(self, model: keras.Model, score: Any, inputs: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w)."""
        from tf_keras_vis.layercam import Layercam

        return Layercam(model, clone=False)(score, inputs, **RAW)
