"""The VAE whose prior is a mixture: clusters of images, found without a label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfgenxai.errors import UsageError
from tfgenxai.models.base import gaussian_kl
from tfgenxai.models.moves import moved
from tfgenxai.models.vae import VariationalModel
from tfgenxai.variational.start import start_clusters
from tfgenxai.variational.terms import categorical_kl, draw

#: Images whose codes the clusters are started from.
STARTED_FROM = 10_000
#: What the codes can be drawn from in which the generator is held to the previous one.
HELD = ("posterior", "prior")


def make_encoder(latent_dim: int, hidden: Sequence[int]) -> keras.Model:
    """Images (N, 28, 28, 1) to mu and log_var, (N, d) each, by dense layers of `hidden` units."""
    images = keras.Input((28, 28, 1), name="encoder_input")
    x = layers.Flatten(name="encoder_flatten")(images)
    for index, units in enumerate(hidden):
        x = layers.Dense(units, activation="relu", name=f"encoder_dense_{index}")(x)
    mu = layers.Dense(latent_dim, name="mu")(x)
    log_var = layers.Dense(latent_dim, bias_initializer=_SHARP, name="log_var")(x)
    return keras.Model(images, [mu, log_var], name="encoder")


def make_decoder(latent_dim: int, hidden: Sequence[int]) -> keras.Model:
    """Codes (N, d) to logits (N, 28, 28, 1), by dense layers of `hidden` units, the last first."""
    code = keras.Input((latent_dim,), name="decoder_input")
    x = code
    for index, units in enumerate(reversed(hidden)):
        x = layers.Dense(units, activation="relu", name=f"decoder_dense_{index}")(x)
    x = layers.Dense(28 * 28, name=f"decoder_dense_{len(hidden)}")(x)
    return keras.Model(code, layers.Reshape((28, 28, 1), name="decoder_logits")(x), name="decoder")


# Posteriors narrower than a cluster: those that join when the mixture does were not trained yet.
_SHARP = keras.initializers.Constant(-2.0)


@keras.saving.register_keras_serializable("tfgenxai")
class ClusterVAE(VariationalModel):
    """Codes z of cluster c are N(mean_c, I), clusters are equally likely, pixels are Bernoulli.

    The posterior is q(z|x) q(c|x). What is minimised, in nats an image,

        -E log p(x|z) + sum_c q(c|x) KL(q(z|x) || N(mean_c, I)) + sum_c q(c|x) log(K q(c|x)),

    is the negative ELBO of a variational deep embedding (Jiang et al., "VaDE", 2017, eq. 7) with
    unit variances. q(c|x) is the one that minimises it, proportional to exp(-KL to cluster c):
    coordinate ascent's own update (`tfgenxai.variational.cavi`) on the code of the encoder, where
    VaDE takes p(c|z) of a draw.

    As there, the networks first learn to restore images without noise or clusters; then the means
    start from clusters of the codes (`tfgenxai.variational.start`), and the codes' axes are
    changed so that clusters have unit variances, in the networks' own layers. While training, the
    encoder sees the image turned, shifted and stretched a little; as q may be any distribution,
    what is minimised stays a bound on log p(x) of the image itself.

    Args:
        latent_dim: dimensions d of the latent code.
        clusters: K.
        hidden: units of the encoder's dense layers; the decoder has them in reverse. Without
            any, both are linear.
        pretraining: epochs without the mixture; 0 starts from means drawn from N(0, 4).
        moves: whether the encoder sees images moved.
        hold: weight lambda of lambda E ||G(z) - G'(z)||^2, summed over pixels, where G' is the
            generator as it was when the epoch began: it may not forget what it drew. Before the
            first epoch it drew nothing yet, and is not held.
        hold_over: codes of that term: "posterior", of the batch, or "prior", of the mixture.
    """

    image_shape = (28, 28, 1)
    binarizes = True

    def __init__(
        self,
        latent_dim: int = 10,
        *,
        clusters: int = 10,
        hidden: Sequence[int] = (256, 128),
        pretraining: int = 0,
        moves: bool = True,
        hold: float = 0.0,
        hold_over: str = "posterior",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if clusters < 1 or pretraining < 0 or hold < 0 or hold_over not in HELD:
            raise UsageError(
                "A cluster VAE has one cluster or more, no negative weight or epochs, and "
                f"hold_over is one of {', '.join(HELD)}."
            )
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        self.clusters = clusters
        self.hidden = tuple(hidden)
        self.pretraining = pretraining
        self.moves = moves
        self.hold, self.hold_over = hold, hold_over
        self.encoder = make_encoder(latent_dim, self.hidden)
        self.decoder = make_decoder(latent_dim, self.hidden)
        self.means = self.add_weight(
            shape=(clusters, latent_dim),
            initializer=keras.initializers.RandomNormal(stddev=2.0, seed=seed),
            name="means",
        )
        # 0 while the networks restore alone, then 1: the share of noise, and of both KL terms.
        self.mixture = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(0.0 if pretraining else 1.0),
            trainable=False,
            name="mixture",
        )
        held = self.decoder.trainable_variables if hold else ()
        self._previous = [tf.Variable(weight.value, trainable=False) for weight in held]
        self._holding = tf.Variable(0.0, trainable=False)
        names = ("loss", "elbo", "reconstruction", "kl", "cluster_kl", "drift")
        self.trackers = [keras.metrics.Mean(name) for name in names]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-3."""
        return keras.optimizers.Adam(1e-3 if learning_rate is None else learning_rate)

    def prepare(self, images: tf.Tensor) -> tf.Tensor:
        """Binarised at 0.5, so that Bernoulli pixels have a likelihood."""
        return tf.cast(images > 0.5, tf.float32)

    def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Posterior mean and log-variance (N, d) each, of images (N, 28, 28, 1) in [0, 1]."""
        mean, logvar = self.encoder(x)
        return mean, logvar

    def decode(self, z: tf.Tensor, apply_sigmoid: bool = False) -> tf.Tensor:
        """Logits (N, 28, 28, 1) of codes (N, d), or with `apply_sigmoid` pixel probabilities."""
        logits = self.decoder(z)
        return tf.sigmoid(logits) if apply_sigmoid else logits

    def cluster_logits(self, mean: tf.Tensor) -> tf.Tensor:
        """Logits (N, K) of q(c|x), of posterior means (N, d): the spread is the same to all."""
        return -0.5 * tf.reduce_sum(tf.square(mean[:, None] - self.means), axis=-1)

    def prior(self, eps: tf.Tensor) -> tf.Tensor:
        """Codes (N, d) of the mixture, of standard normal draws (N, d).

        The first number's place among K equally likely intervals is the cluster, and its place
        within the interval, again standard normal, the code's first offset.
        """
        place = self.clusters * 0.5 * tf.math.erfc(-eps[:, :1] / math.sqrt(2.0))
        cluster = tf.clip_by_value(tf.floor(place), 0, self.clusters - 1)
        within = tf.clip_by_value(place - cluster, 1e-6, 1 - 1e-6)
        offset = tf.concat([tf.math.ndtri(within), eps[:, 1:]], axis=1)
        return tf.gather(self.means, tf.cast(cluster[:, 0], tf.int32)) + offset

    def sample(self, eps: tf.Tensor | None = None) -> tf.Tensor:
        """Images (N, H, W, C) in [0, 1] of the mixture's codes for `eps` (N, d), or 100 draws."""
        if eps is None:
            eps = tf.random.normal((100, self.latent_dim))
        return self.decode(self.prior(eps), apply_sigmoid=True)

    # -- training ----------------------------------------------------------------------------

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """The objective and its terms, each a mean over images in nats; `drift` without `hold`."""
        seen = images
        if training and self.moves:
            seen = moved(images, self.noise((tf.shape(images)[0], 5), draw=1))
        mean, logvar = self.encode(seen)
        z = draw(mean, logvar, self.mixture * self.noise(tf.shape(mean)))
        logits = self.decode(z)
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=images)
        reconstruction = tf.reduce_mean(tf.reduce_sum(cross_entropy, axis=[1, 2, 3]))
        probabilities = tf.nn.softmax(self.cluster_logits(mean))
        to_each = tf.reduce_sum(
            gaussian_kl(mean[:, None] - self.means, logvar[:, None]), axis=-1
        )  # (N, K)
        kl = tf.reduce_mean(tf.reduce_sum(probabilities * to_each, axis=1))
        cluster_kl = tf.reduce_mean(categorical_kl(probabilities))
        drift = self._holding * self.drift(z) if self.hold and training else tf.constant(0.0)
        return {
            "loss": reconstruction + self.mixture * (kl + cluster_kl) + self.hold * drift,
            "elbo": -(reconstruction + kl + cluster_kl),
            "reconstruction": reconstruction,
            "kl": kl,
            "cluster_kl": cluster_kl,
            "drift": drift,
        }

    def drift(self, z: tf.Tensor) -> tf.Tensor:
        """E ||G(z) - G'(z)||^2, images of probabilities; G' gets no gradient.

        z: (N, d) of the batch; with `hold_over="prior"`, as many codes of the mixture instead.
        """
        if self.hold_over == "prior":
            z = tf.stop_gradient(self.prior(self.noise(tf.shape(z), draw=2)))
        before, _ = self.decoder.stateless_call([tf.identity(v) for v in self._previous], [], z)
        change = self.decode(z, apply_sigmoid=True) - tf.stop_gradient(tf.sigmoid(before))
        return tf.reduce_mean(tf.reduce_sum(tf.square(change), axis=[1, 2, 3]))

    def remember(self) -> None:
        """Makes the generator as it is the one that `drift` looks back at, if there is `hold`."""
        self._holding.assign(1.0)
        for kept, weight in zip(self._previous, self.decoder.trainable_variables, strict=False):
            kept.assign(weight.value)

    def start_mixture(self, images: np.ndarray) -> None:
        """Begins the second part of the training from clusters of the codes of `images`."""
        mean, _ = self.encode(tf.constant(images))
        start = start_clusters(mean.numpy(), self.clusters, seed=self.seed)
        kernel, bias = self.encoder.get_layer("mu").weights
        kernel.assign(kernel.numpy() @ start.axes.T)
        bias.assign(start.axes @ bias.numpy())
        first = self.decoder.get_layer("decoder_dense_0").weights[0]
        first.assign(np.linalg.inv(start.axes).T @ first.numpy())
        self.means.assign(start.means)
        self.mixture.assign(1.0)

    def fit(
        self,
        x: tf.data.Dataset,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        **kwargs: Any,
    ) -> Any:
        """As every model; the clusters start from the first batches of the epoch that they join.

        Raises:
            UsageError: the epochs end before that one.
        """
        return super().fit(x, *args, callbacks=[_Phases(x), *(callbacks or ())], **kwargs)

    # -- export ------------------------------------------------------------------------------

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """As every VAE, with the mixture's `prior`, `cluster` for q(c|x), `draw_cluster`."""
        code = [tf.TensorSpec((None, self.latent_dim), tf.float32, name="eps")]

        @tf.function(input_signature=[self.image_spec()])
        def cluster(image: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = self.cluster_logits(self.encode(image)[0])
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        @tf.function(input_signature=code)
        def prior(eps: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"z": self.prior(eps)}

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.int64, name="cluster"), *code])
        def draw_cluster(cluster: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
            z = tf.gather(self.means, cluster) + eps
            return {"z": z, "image": self.decode(z, apply_sigmoid=True)}

        @tf.function(input_signature=[tf.TensorSpec((), tf.int32, name="count")])
        def sample(count: tf.Tensor) -> dict[str, tf.Tensor]:
            z = self.prior(tf.random.normal((count, self.latent_dim)))
            return {"z": z, "image": self.decode(z, apply_sigmoid=True)}

        own = {"cluster": cluster, "prior": prior, "draw_cluster": draw_cluster, "sample": sample}
        return super().export_signatures() | own

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "clusters": self.clusters,
            "hidden": list(self.hidden),
            "pretraining": self.pretraining,
            "moves": self.moves,
            "hold": self.hold,
            "hold_over": self.hold_over,
        }


class _Phases(keras.callbacks.Callback):
    """Starts the mixture when its epoch begins, and remembers the generator before all but one.

    `batches` are those of all epochs from the first to be trained on. The mixture starts from
    the batches of its own epoch: the same ones however often the training was resumed before.
    """

    def __init__(self, batches: tf.data.Dataset) -> None:
        super().__init__()
        self.batches = batches
        self.first: int | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuses what would end without clusters."""
        epochs, alone = self.params["epochs"], self.model.pretraining
        if epochs <= alone:
            raise UsageError(
                f"The clusters join after {alone} epochs, and training ends after {epochs}; ask "
                "for more epochs, or for a shorter pretraining."
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras counts epochs from 0."""
        if self.first is None:
            self.first = epoch
        if epoch == self.model.pretraining > 0:
            ahead = (epoch - self.first) * self.params["steps"]
            batches = self.batches.skip(ahead).take(self.params["steps"])
            pixels = batches.map(lambda images, *labels: images).unbatch()
            self.model.start_mixture(next(iter(pixels.batch(STARTED_FROM))).numpy())
        if epoch:
            self.model.remember()
