"""Grad-CAM++, by tf-keras-vis."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.attribution.keras_vis import RAW, KerasVisCAM


class GradCAMPlusPlus(KerasVisCAM):
    """ReLU(sum_k w_k A_k) with w_k = sum_pq a_k^pq ReLU(df/dA_k^pq) (Chattopadhyay et al. 2018).

    a_k^pq = g^2 / (2 g^2 + g^3 sum_ab A_k^ab), g = df/dA_k^pq, divided by its sum over places, as
    in the authors' program. The paper explains exp(f) in place of f, so that the derivatives of
    higher order are powers of g; all that remains of this is a factor exp(f) before the map. It
    overflows for a target such as a reconstruction error of 100, and is divided out here: exp(f)
    times these values are the raw maps of `tf_keras_vis.gradcam_plus_plus.GradcamPlusPlus` on the
    Keras model that the graph was exported from. See `keras_vis`.
    """

    name = "grad_cam_plus_plus"

    def cam(self, model: keras.Model, score: Any, inputs: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w)."""
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

        def from_zero(scores: tf.Tensor) -> tf.Tensor:
            f = score(scores)
            return f - tf.stop_gradient(f)

        return GradcamPlusPlus(model, clone=False)(from_zero, inputs, **RAW)
