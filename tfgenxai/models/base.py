"""What every model of the package shares: seeded noise, registration, signatures to export."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import tensorflow as tf

LOG_2PI = math.log(2.0 * math.pi)


def log_normal_pdf(
    sample: tf.Tensor, mean: tf.Tensor, logvar: tf.Tensor, raxis: int = 1
) -> tf.Tensor:
    """Log density of a diagonal Gaussian, summed over `raxis`.

    sample, mean, logvar: shapes that broadcast to (N, d); the result is (N,), in nats.
    """
    squared = tf.square(sample - mean) * tf.exp(-logvar)
    return tf.reduce_sum(-0.5 * (squared + logvar + LOG_2PI), axis=raxis)


def gaussian_kl(mean: tf.Tensor, logvar: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of every dimension, (N, d), in nats.

    Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.
    """
    return 0.5 * (tf.square(mean) + tf.exp(logvar) - 1.0 - logvar)


class ExplainableModel(keras.Model):
    """A `keras.Model` that trains reproducibly and says which signatures it exports.

    Random draws in training depend only on `seed`, the optimizer's step, and the replica, so that
    training resumed from a checkpoint draws what the uninterrupted run would have drawn.
    """

    image_shape: tuple[int, int | None, int]
    trackers: list[keras.metrics.Mean]
    #: whether `losses` can be measured on held-out images
    validates: ClassVar[bool] = True
    #: whether `prepare` makes images binary, which tests of the exported model must do too
    binarizes: ClassVar[bool] = False

    def __init__(self, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """The published optimizer; `learning_rate` replaces the published one."""
        raise NotImplementedError

    def prepare(self, images: tf.Tensor) -> tf.Tensor:
        """Images in [0, 1] as this model wants to see them in training (default: unchanged)."""
        return images

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image batches to look at while training: of `images`, and of noise `eps` (N, d)."""
        return {}

    @property
    def steps(self) -> tf.Tensor:
        """Updates made so far, an int scalar."""
        return self.optimizer.iterations

    def noise(self, shape: Any, draw: int = 0) -> tf.Tensor:
        """Standard normal noise of this training step; `draw` tells draws of one step apart."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        step = tf.cast(self.steps, tf.int32) * replicas + replica
        return tf.random.stateless_normal(shape, seed=[self.seed * 16 + draw, step])

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Scalars of one batch; training minimises `loss` and reports all that has a tracker."""
        raise NotImplementedError

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update on `losses`; returns the running means of the epoch."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            values = self.losses(images, labels, training=True)
            loss = replica_share(values["loss"])
        weights = self.trainable_weights
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.report(values, images)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The same scalars without an update."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.report(self.losses(images, labels), images)

    def report(self, values: dict[str, tf.Tensor], images: tf.Tensor) -> dict[str, Any]:
        """Updates the running means, weighted by batch size, and returns them."""
        for tracker in self.trackers:
            tracker.update_state(values[tracker.name], sample_weight=tf.shape(images)[0])
        return {tracker.name: tracker.result() for tracker in self.trackers}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means, which Keras resets every epoch."""
        return self.trackers

    def random_states(self) -> dict[str, Any]:
        """The variables from which dropout layers draw, by the names they are saved under."""
        states = (v for v in self.variables if v.name == "seed_generator_state")
        return {f"random_state_{index}": state for index, state in enumerate(states)}

    def save_own_variables(self, store: Any) -> None:
        """Saves the random states too, which Keras leaves out: resumed dropout goes on exactly."""
        super().save_own_variables(store)
        for name, state in self.random_states().items():
            store[name] = state

    def load_own_variables(self, store: Any) -> None:
        """The inverse; a file of Keras' own, without random states, leaves them as they are."""
        for name, state in self.random_states().items():
            if name in store:
                state.assign(store[name])

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """Name -> tf.function with an input signature; images in and out are in [0, 1]."""
        raise NotImplementedError

    def image_spec(self) -> tf.TensorSpec:
        """The `image` argument of the signatures: (N, H, W, C) float32 in [0, 1]."""
        return tf.TensorSpec((None, *self.image_shape), tf.float32, name="image")

    def architecture(self) -> dict[str, Any]:
        """Class, configuration and parameter count, for the model card."""
        return {
            "class": type(self).__name__,
            "config": {k: v for k, v in self.get_config().items() if k != "name"},
            "parameters": self.count_params(),
        }

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, so that a Keras archive rebuilds the model."""
        return {"seed": self.seed, "name": self.name}


def replica_share(loss: tf.Tensor) -> tf.Tensor:
    """A replica's part of the mean loss: Keras' optimizers add up the gradients of all replicas."""
    return loss / tf.distribute.get_strategy().num_replicas_in_sync


def side_by_side(images: tf.Tensor, restored: tf.Tensor) -> tf.Tensor:
    """Images and their reconstructions in turn, (2N, H, W, C)."""
    pairs = tf.stack([images, restored], axis=1)
    return tf.reshape(pairs, tf.concat([[-1], tf.shape(images)[1:]], axis=0))
