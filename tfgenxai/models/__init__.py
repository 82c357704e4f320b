"""The published models as Keras subclasses; `MODELS` is what `tfgenxai train` knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tfgenxai.errors import UsageError


@dataclass(frozen=True)
class ModelEntry:
    """A trainable model: where its class is, and the published training settings."""

    module: str
    cls: str
    summary: str
    data: str
    epochs: int
    batch_size: int
    config: dict[str, Any] = field(default_factory=dict)

    def load_class(self) -> Any:
        """The Keras class (imports TensorFlow)."""
        return getattr(import_module(f"tfgenxai.models.{self.module}"), self.cls)


MODELS = {
    "cvae": ModelEntry(
        "cvae", "CVAE", "TensorFlow tutorial VAE, 10 latents", "mnist", 10, 32, {"latent_dim": 10}
    ),
    "cvae-2d": ModelEntry(
        "cvae", "CVAE", "the same with 2 latents, to draw", "mnist", 10, 32, {"latent_dim": 2}
    ),
    "cvae-conditional": ModelEntry(
        "cvae",
        "CVAE",
        "the same, given the digit's label",
        "mnist",
        10,
        32,
        {"latent_dim": 10, "num_classes": 10},
    ),
    "cluster-vae": ModelEntry(
        "cluster_vae",
        "ClusterVAE",
        "a mixture as the prior: ten clusters, found without labels",
        "mnist",
        50,
        256,
        {"pretraining": 15},
    ),
    "dcgan": ModelEntry("dcgan", "DCGAN", "TensorFlow tutorial GAN", "mnist", 50, 256),
    "gan": ModelEntry(
        "gan", "GAN", "residual GAN with self-attention, 150 latents", "mnist", 20, 64
    ),
    "cgan": ModelEntry(
        "gan",
        "GAN",
        "the same, given the digit's label",
        "mnist",
        10,
        128,
        {"num_classes": 10, "loss": "cross_entropy"},
    ),
    "sagan": ModelEntry(
        "gan",
        "GAN",
        "the same without labels, attention at 28x28 and two learning rates",
        "mnist",
        20,
        64,
        {"attention": 28, "pool_keys": True, "discriminator_rate": 4.0},
    ),
    # The paper's 50 rounds of 100 updates are 10.7 epochs of MNIST.
    "infogan": ModelEntry(
        "infogan", "InfoGAN", "a category and two more codes, read back by Q", "mnist", 11, 128
    ),
    "info-cgan": ModelEntry(
        "info_cgan", "InfoCGAN", "these codes beside the digit's label", "mnist", 10, 128
    ),
    "bigan": ModelEntry("bigan", "BiGAN", "a GAN with an encoder, 50 latents", "mnist", 400, 128),
    "scrabble-gan": ModelEntry(
        "scrabble_gan", "ScrabbleGAN", "handwritten words, a filter each character", "words", 10, 32
    ),
    "recogniser": ModelEntry(
        "recogniser", "Recogniser", "reads words; judges those that are drawn", "words", 10, 64
    ),
    "conv-vae": ModelEntry(
        "conv_vae", "ConvVAE", "Stuttgart VAE, 128x128x3, 200 latents", "faces", 20, 256
    ),
    "autoencoder": ModelEntry(
        "autoencoder", "Autoencoder", "its deterministic twin", "faces", 20, 256
    ),
    "classifier": ModelEntry(
        "classifier", "Classifier", "digit classifier used for labelling", "mnist", 12, 128
    ),
}


def model_entry(name: str) -> ModelEntry:
    """The registry entry of `name`; UsageError with what there is otherwise."""
    try:
        return MODELS[name]
    except KeyError:
        raise UsageError(f"There is no model {name!r}; choose from {', '.join(MODELS)}.") from None
