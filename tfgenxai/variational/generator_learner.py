"""A small generator and its learner for every image, whose posterior says where it is unsure."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.variational import terms
from tfgenxai.variational.descent import Descent, LogProbability, Phase
from tfgenxai.variational.maps import PixelPosterior

_PATCH = 2
_SLOPE = 0.2
_EPSILON = 1e-5


class GeneratorLearner(Descent):
    """One network an image: a learner of q(z|x) at half the resolution, and a generator of x.

    The learner has two blocks, one for the mean of z and one for its log variance, each a 2 × 2
    convolution of stride 2, instance normalisation, LeakyReLU of slope 0.2, and a weighted sum of
    its channels. The generator is two 2 × 2 transposed convolutions of stride 2 of z, which has one
    channel: (tanh + 1) / 2 of the one is what the first of K mixtures draws, softmax of the other,
    over its K channels, is the map p of the mixtures. The others draw a plain level each, which is
    learned too: could every one draw the image, it would be the same image, and p the same
    everywhere. What the classifier is asked about is x̂ = Σ p · drawn. Convolutions whose stride is
    their width are products of matrices with the patches of an image, and so those of all networks
    are done together.

    A round is `learner_steps` steps of the learner and one of the generator, all on one objective.

    Args:
        networks: N.
        shape: of an image, (H, W, C), H and W even.
        log_probability, weight, notes, seed: see `Descent`. Of the notes, "learner" has the learner
            see the classifier only, and not the rest of the objective, and "tanh" puts a tanh
            before the softmax, which at K = 2 keeps p between .119 and .881.
        clusters: K.
        noise: standard deviation of a pixel about what its mixture draws. With 1 no p could leave
            [.378, .622] by the likelihood alone, since pixels differ by 1 at most.
        blend: the classifier is asked about p_0 · drawn_0 + (1 - p_0) · x.
        hidden: channels of a block.
        learner_steps: steps of the learner for one of the generator.
        rate: Adam's. The notes' 0.005 comes to the same objective in ten times the rounds.
    """

    NOTES = (
        "likelihood",
        "gaussian_kl",
        "categorical_kl",
        "confidence",
        "draw",
        "learner",
        "tanh",
    )

    def __init__(
        self,
        networks: int,
        shape: tuple[int, int, int],
        log_probability: LogProbability | None = None,
        *,
        clusters: int = 2,
        noise: float = 0.25,
        weight: float = 1.0,
        blend: bool = False,
        notes: Collection[str] = (),
        hidden: int = 8,
        learner_steps: int = 10,
        rate: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__(log_probability, weight=weight, notes=notes, seed=seed)
        height, width, channels = shape
        if height % _PATCH or width % _PATCH:
            raise UsageError(
                f"Networks of 2 x 2 patches take images of even height and width, not {height} x "
                f"{width}: use the variant of pixels."
            )
        if not noise > 0:
            raise UsageError(f"noise= is a standard deviation above 0, not {noise}.")
        self.image_shape, self.clusters = shape, clusters
        self.noise, self.blend, self.learner_steps, self.rate = noise, blend, learner_steps, rate
        pixels = _PATCH**2
        inputs = pixels * channels
        levels = np.linspace(-1.0, 1.0, clusters - 1)  # before the tanh: from a dark one up
        self._rng = np.random.default_rng(seed)
        self.learner = [
            self._weight("block_kernel", (2, inputs, hidden), networks, (2 / inputs) ** 0.5),
            self._weight("block_scale", (2, hidden), networks, value=1.0),
            self._weight("block_offset", (2, hidden), networks),
            self._weight("head_kernel", (2, hidden), networks, hidden**-0.5),
            self._weight("head_bias", (2,), networks),
        ]
        self.generator = [
            self._weight("draw_kernel", (pixels, channels, 1), networks, 1.0),
            self._weight("draw_bias", (pixels, channels, 1), networks),
            self._weight("levels", (channels, clusters - 1), networks, value=levels),
            self._weight("map_kernel", (pixels, 1, clusters), networks, 1.0),
            self._weight("map_bias", (pixels, 1, clusters), networks),
        ]
        self.remember()

    def _weight(
        self,
        name: str,
        shape: tuple[int, ...],
        networks: int,
        spread: float = 0.0,
        value: Any = 0.0,
    ) -> keras.Variable:
        """A weight that begins the same in all networks."""
        first = (value + spread * self._rng.standard_normal(shape)).astype(np.float32)
        return self.add_weight(
            name=name,
            shape=(networks, *shape),
            initializer=lambda shape, dtype=None: np.broadcast_to(first, shape),
        )

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The learner's, then the generator's."""
        return (
            Phase(self.learner, keras.optimizers.Adam(self.rate), self.learner_steps),
            Phase(self.generator, keras.optimizers.Adam(self.rate), 1),
        )

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """(sites,)."""
        height, width, _ = self.image_shape
        return (height * width // _PATCH**2,)

    def encode(self, patches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and log variance of z, (N, B, sites) each, of `patches_of` B images a network."""
        kernel, scale, offset, head, bias = (weight.value for weight in self.learner)
        flat = tf.reshape(patches, (*tf.unstack(tf.shape(patches)[:3]), kernel.shape[2]))
        maps = tf.einsum("nbsd,ntdf->nbtsf", flat, kernel)
        mean, variance = tf.nn.moments(maps, axes=[3], keepdims=True)
        normal = (maps - mean) * tf.math.rsqrt(variance + _EPSILON)
        active = tf.nn.leaky_relu(
            normal * scale[:, None, :, None] + offset[:, None, :, None], _SLOPE
        )
        heads = tf.einsum("nbtsf,ntf->nbts", active, head) + bias[:, None, :, None]
        return heads[:, :, 0], heads[:, :, 1]

    def generate(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the mixtures draw, (N, B, sites, 4, C, K) in [0, 1], and p, the same with C = 1."""
        draw_kernel, draw_bias, levels, map_kernel, map_bias = (
            w.value[:, None, None] for w in self.generator
        )
        code = z[..., None, None, None]
        logits = code * map_kernel + map_bias
        if self.form("tanh") == "notes":
            logits = tf.tanh(logits)
        first = code * draw_kernel + draw_bias
        others = tf.broadcast_to(
            levels[:, :, :, None], (*tf.unstack(tf.shape(first)[:-1]), levels.shape[-1])
        )
        drawn = 0.5 + 0.5 * tf.tanh(tf.concat([first, others], axis=-1))
        # Not tf.nn.softmax, which with oneDNN takes five axes at most.
        return drawn, tf.exp(tf.nn.log_softmax(logits))

    def seen(self, patches: tf.Tensor, drawn: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        """What the classifier is asked about, x̂ in patches (N, B, sites, 4, C)."""
        if self.blend:
            first = probabilities[..., 0]
            return first * drawn[..., 0] + (1.0 - first) * patches
        return tf.reduce_sum(probabilities * drawn, axis=-1)

    def objective(self, images: tf.Tensor, noise: tf.Tensor, context: Any, phase: int) -> tf.Tensor:
        """The objective of every network, over its images."""
        patches = patches_of(images)
        mean, log_var = self.encode(patches)
        drawn, p = self.generate(terms.draw(mean, log_var, noise, form=self.form("draw")))
        asked = images_of(self.seen(patches, drawn, p), self.image_shape)
        confidence = self.confidence(tf.reshape(asked, (-1, *self.image_shape)), context)
        total = tf.reduce_sum(tf.reshape(confidence, tf.shape(images)[:2]), axis=1)
        if phase == 0 and self.form("learner") == "notes":
            return total
        likelihood = terms.negative_log_likelihood(
            patches, drawn, p, noise=self.noise, form=self.form("likelihood")
        )
        return (
            total
            + likelihood
            + terms.gaussian_kl(mean, log_var, form=self.form("gaussian_kl"))
            + terms.categorical_kl(p, form=self.form("categorical_kl"))
        )

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """x̂ at the mean of z, (N, B, H, W, C) of images of that shape."""
        patches = patches_of(images)
        return images_of(
            self.seen(patches, *self.generate(self.encode(patches)[0])), self.image_shape
        )

    def posterior(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """Variance of z, and p at the mean of z, of images (N, B, H, W, C), B for every network.

        Returns:
            (N B, H, W), the same for the pixels of a patch, and (N B, H, W, K).
        """
        patches = patches_of(tf.convert_to_tensor(images))
        mean, log_var = self.encode(patches)
        variance = tf.repeat(tf.exp(log_var)[..., None, None], _PATCH**2, axis=-2)
        maps = [
            images_of(values, (*self.image_shape[:2], values.shape[-1])).numpy()
            for values in (variance, self.generate(mean)[1][..., 0, :])
        ]
        variances, probabilities = (each.reshape(-1, *each.shape[2:]) for each in maps)
        return variances[..., 0], probabilities

    def explain(self, images: Any, *, steps: int = 60, context: Any = ()) -> PixelPosterior:
        """The posterior of the images after as many rounds as `steps` from the first weights.

        Args:
            images: (N, B, H, W, C) in [0, 1]: B images for every network, one to explain it alone.
            steps: rounds of learner and generator.
            context: what `log_probability` takes besides images.
        """
        objective = self.descend(images, steps, context)
        return PixelPosterior(*self.posterior(images), objective)


def patches_of(images: tf.Tensor) -> tf.Tensor:
    """Patches (N, B, H W / 4, 4, C) of images (N, B, H, W, C): their four pixels row by row."""
    (count, each), (height, width, channels) = tf.unstack(tf.shape(images)[:2]), images.shape[2:]
    split = (count, each, height // _PATCH, _PATCH, width // _PATCH, _PATCH, channels)
    apart = tf.transpose(tf.reshape(images, split), (0, 1, 2, 4, 3, 5, 6))
    sites = height * width // _PATCH**2
    return tf.reshape(apart, (count, each, sites, _PATCH**2, channels))


def images_of(patches: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    """Images (N, B, *shape) of `patches_of` them."""
    (count, each), (height, width, channels) = tf.unstack(tf.shape(patches)[:2]), shape
    split = (count, each, height // _PATCH, width // _PATCH, _PATCH, _PATCH, channels)
    together = tf.transpose(tf.reshape(patches, split), (0, 1, 2, 4, 3, 5, 6))
    return tf.reshape(together, (count, each, height, width, channels))
