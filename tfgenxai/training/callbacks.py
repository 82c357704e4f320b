"""What happens at the end of an epoch: a checkpoint, pictures and hyper-parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.tensorboard import Summaries
from tfgenxai.training.checkpoints import Checkpoints


class SaveEpoch(keras.callbacks.Callback):
    """A checkpoint after every epoch."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        super().__init__()
        self.checkpoints = checkpoints

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the state after this epoch (Keras counts from 0)."""
        self.checkpoints.save(self.model, epoch + 1)


class Previews(keras.callbacks.Callback):
    """The graph, hyper-parameters and, every epoch, samples and reconstructions in TensorBoard.

    The same images and the same noise every time, so that epochs can be compared.
    """

    def __init__(self, logdir: Path, images: np.ndarray, settings: dict[str, Any]) -> None:
        super().__init__()
        self.log = Summaries(logdir)
        self.images = images
        self.settings = settings

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Notes the hyper-parameters and the graph, which Keras' callback leaves out."""
        plain = bool | int | float | str
        flat = {k: v for k, v in self.settings.items() if isinstance(v, plain)}
        config = self.settings["config"].items()
        function = self.model.export_signatures()["serving_default"]
        self.log.hparams(flat | {k: v if isinstance(v, plain) else str(v) for k, v in config})
        self.log.graph(function.get_concrete_function().graph)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the grids."""
        eps = np.random.default_rng(0).standard_normal((32, getattr(self.model, "latent_dim", 1)))
        previews = self.model.previews(tf.constant(self.images), tf.constant(eps, tf.float32))
        for name, images in previews.items():
            self.log.images(name, np.asarray(images), step=epoch)
        self.log.flush()
