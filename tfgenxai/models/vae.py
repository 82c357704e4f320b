"""The mechanics that all variational autoencoders here share: one ELBO step, five signatures."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgenxai.models.base import ExplainableModel, side_by_side


class VariationalModel(ExplainableModel):
    """A model with a Gaussian posterior; a subclass gives `encode`, `decode` and `losses`."""

    latent_dim: int

    def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Posterior mean and log-variance of images (N, H, W, C): two tensors (N, d)."""
        raise NotImplementedError

    def decode(self, z: tf.Tensor, apply_sigmoid: bool = False) -> tf.Tensor:
        """Logits, or with `apply_sigmoid` images in [0, 1], of latent codes (N, d)."""
        raise NotImplementedError

    def reparameterize(self, mean: tf.Tensor, logvar: tf.Tensor) -> tf.Tensor:
        """A draw z = mean + exp(logvar / 2) * eps, eps ~ N(0, 1), all (N, d)."""
        return mean + tf.exp(0.5 * logvar) * tf.random.normal(tf.shape(mean))

    def draw_posterior(self, mean: tf.Tensor, logvar: tf.Tensor) -> tf.Tensor:
        """`reparameterize` with the noise of the training step, so that runs can be repeated."""
        return mean + tf.exp(0.5 * logvar) * self.noise(tf.shape(mean))

    def sample(self, eps: tf.Tensor | None = None) -> tf.Tensor:
        """Images (N, H, W, C) in [0, 1] decoded from `eps` (N, d), by default 100 prior draws."""
        if eps is None:
            eps = tf.random.normal((100, self.latent_dim))
        return self.decode(eps, apply_sigmoid=True)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reconstructions in [0, 1], decoded from the posterior mean."""
        mean, _ = self.encode(inputs)
        return self.decode(mean, apply_sigmoid=True)

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """Samples of the prior, and reconstructions beside their originals."""
        return {"samples": self.sample(eps), "reconstructions": side_by_side(images, self(images))}

    def label_specs(self) -> list[tf.TensorSpec]:
        """The `label` argument of a conditional model's signatures, otherwise nothing."""
        return []

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """encode, decode, reconstruct and sample; `serving_default` is `reconstruct`."""
        image = self.image_spec()
        code = tf.TensorSpec((None, self.latent_dim), tf.float32, name="z")
        labels = self.label_specs()

        @tf.function(input_signature=[image, *labels])
        def encode(image: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            mean, logvar = self.encode(image, *_given(label))
            return {"mean": mean, "logvar": logvar, "z": self.reparameterize(mean, logvar)}

        @tf.function(input_signature=[code, *labels])
        def decode(z: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            logits = self.decode(z, False, *_given(label))
            return {"logits": logits, "image": tf.sigmoid(logits)}

        @tf.function(input_signature=[image, *labels])
        def reconstruct(image: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            mean, _ = self.encode(image, *_given(label))
            return {"image": self.decode(mean, True, *_given(label))}

        @tf.function(input_signature=labels or [tf.TensorSpec((), tf.int32, name="count")])
        def sample(count: tf.Tensor) -> dict[str, tf.Tensor]:
            number = tf.shape(count)[0] if labels else count
            z = tf.random.normal((number, self.latent_dim))
            return {"z": z, "image": self.decode(z, True, *([count] if labels else []))}

        return {
            "encode": encode,
            "decode": decode,
            "reconstruct": reconstruct,
            "sample": sample,
            "serving_default": reconstruct,
        }


def _given(label: tf.Tensor | None) -> list[tf.Tensor]:
    return [] if label is None else [label]
