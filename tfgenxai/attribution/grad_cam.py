"""Grad-CAM, by tf-keras-vis."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfgenxai.attribution.keras_vis import RAW, KerasVisCAM


class GradCAM(KerasVisCAM):
    """ReLU(sum_k alpha_k A_k) with alpha_k the mean of df/dA_k over places (Selvaraju et al. 2017).

    The maps are those of `tf_keras_vis.gradcam.Gradcam` on the Keras model that the graph was
    exported from, raw: see `keras_vis`. For many latents use `LatentGradCAM`, which gives the same
    maps without a pass for each.
    """

    name = "grad_cam"

    def cam(self, model: keras.Model, score: Any, inputs: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w)."""
        from tf_keras_vis.gradcam import Gradcam

        return Gradcam(model, clone=False)(score, inputs, **RAW)
