"""What a generator still draws after training that tempts it to forget, held to itself or not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError
from tfgenxai.models.cluster_vae import ClusterVAE

#: A digit after another, or all of them in every epoch.
ORDERS = ("one after another", "together")
_BATCH, _RATE = 50, 2e-3


def drawn_after(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    order: str,
    hold: float = 0.0,
    hold_over: str = "posterior",
    steps: int = 60,
    count: int = 500,
    seed: int = 0,
    **config: Any,
) -> np.ndarray:
    """Images (count, 28, 28, 1) in [0, 1] of the prior of a small `ClusterVAE` so trained.

    There are as many epochs as classes. One after another, an epoch has the images of one class
    alone, and the last class is the freshest; together, every epoch has all. The generator that
    `hold` looks back at is that of the epoch before. The number of updates is the same.

    Args:
        images: binary (N, 28, 28, 1).
        labels: (N,), which decide the order and are shown to no network.
        order: one of `ORDERS`.
        hold, hold_over: see `ClusterVAE`.
        steps: updates an epoch, of 50 images each.
        seed: of the weights, the batches, the order of the classes and what is drawn.
        config: more settings of the model.

    Raises:
        InvalidInputError: another order.
    """
    if order not in ORDERS:
        raise InvalidInputError(f"The order is one of {', '.join(ORDERS)}, not {order!r}.")
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.unique(labels))
    shown = [
        np.flatnonzero(labels == each) if order == ORDERS[0] else np.arange(len(labels))
        for each in classes
    ]
    indices = np.concatenate([rng.choice(own, (steps, _BATCH)) for own in shown])
    keras.utils.set_random_seed(seed)
    settings: dict[str, Any] = {"hidden": (128,), "moves": False} | config
    model = ClusterVAE(hold=hold, hold_over=hold_over, seed=seed, **settings)
    model.compile(optimizer=model.default_optimizer(_RATE), jit_compile=False)
    known = tf.constant(images)
    batches = tf.data.Dataset.from_tensor_slices(indices).map(
        lambda chosen: tf.gather(known, chosen)
    )
    model.fit(batches, epochs=len(classes), steps_per_epoch=steps, shuffle=False, verbose=0)
    eps = rng.standard_normal((count, model.latent_dim)).astype(np.float32)
    return model.sample(tf.constant(eps)).numpy()
