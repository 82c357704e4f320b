"""What the VAE-against-GAN comparison looks at: images, codes and samples, computed once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.generator import Generator
from tfgenxai.latent.spaces import first_hidden, reduced
from tfgenxai.metrics.evaluate import batched

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects


@dataclass(frozen=True)
class Material:
    """Arrays of N rows each, from one seed; images (N, 28, 28, 1) float32 in [0, 1].

    Attributes:
        images, labels: test images, binary where the VAE was trained so, and their digits.
        grey: the same images as they are, which is what the GAN was trained on.
        means, logvars: the VAE's posterior of `images`, (N, d).
        restored: the VAE's reconstructions of `images`.
        vae_samples: the VAE's images of standard normal codes.
        generator: the GAN's.
        noise: the GAN's codes z, (N, d), of its prior.
        asked: the labels (N,) that a conditional GAN is asked for, all in turn; else None.
        hidden: the generator's first hidden layer on `noise`, its first 50 principal components.
        gan_samples: the GAN's images of `noise`.
        vae_votes, gan_votes: class probabilities (N, 10) that the classifier gives the samples.
        seconds: name of a step -> seconds for N images.
    """

    images: np.ndarray
    grey: np.ndarray
    labels: np.ndarray
    means: np.ndarray
    logvars: np.ndarray
    restored: np.ndarray
    vae_samples: np.ndarray
    generator: Generator
    noise: np.ndarray
    asked: np.ndarray | None
    hidden: np.ndarray
    hidden_layer: str
    gan_samples: np.ndarray
    vae_votes: np.ndarray
    gan_votes: np.ndarray
    seconds: dict[str, float]

    @property
    def gan_labels(self) -> np.ndarray:
        """The digit that the classifier sees in each GAN sample; the codes have no labels."""
        return self.gan_votes.argmax(axis=1)

    def given(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """What the GAN's discriminator takes: images, with labels if it is conditional."""
        return images if self.asked is None else {"image": images, "label": labels}

    def active_order(self) -> np.ndarray:
        """The VAE's latent dimensions by mean KL from the prior, the most informative first."""
        kl = 0.5 * (self.means**2 + np.exp(self.logvars) - 1.0 - self.logvars)
        return np.argsort(-kl.mean(axis=0))


def gather(subjects: Subjects, *, size: int, seed: int) -> Material:
    """Everything the comparison needs, from the first `size` images and as many codes."""
    vae, gan, classifier = subjects.vae, subjects.gan, subjects.classifier
    images = subjects.images(size)
    rng = np.random.default_rng(seed)
    decoder, generator = Generator.of(vae, graph=vae["decode"]), Generator.of(gan)
    prior, noise = decoder.codes(len(images), rng), generator.codes(len(images), rng)
    asked = generator.labels(len(images))
    clock = _Clock()
    posterior = vae["encode"].function("image", ["mean", "logvar"])

    def encoded(count: int) -> np.ndarray:
        return batched(lambda x: tf.concat(posterior(x), axis=1), images[:count])

    both = clock("encode", encoded, len(images))
    means, logvars = np.split(both, 2, axis=1)
    votes = classifier["classify"].function("image", "probabilities")
    vae_samples = clock("vae generate", lambda n: decoder.images(prior[:n]), len(prior))
    gan_samples = clock(
        "gan generate",
        lambda n: generator.images(noise[:n], None if asked is None else asked[:n]),
        len(noise),
    )
    hidden_layer = first_hidden(generator.graph)
    hidden = decoded(generator.graph, noise, extra=generator.extra(asked), fetch=hidden_layer)
    return Material(
        images=images,
        grey=subjects.grey(size),
        labels=subjects.labels(size),
        means=means,
        logvars=logvars,
        restored=batched(vae["reconstruct"].function("image", "image"), images),
        vae_samples=vae_samples,
        generator=generator,
        noise=noise,
        asked=asked,
        hidden=reduced(hidden, seed),
        hidden_layer=hidden_layer,
        gan_samples=gan_samples,
        vae_votes=batched(votes, vae_samples),
        gan_votes=batched(votes, gan_samples),
        seconds=clock.seconds,
    )


class _Clock:
    """Times what makes arrays of so many rows, after a few rows that compile it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, make: Callable[[int], np.ndarray], count: int) -> np.ndarray:
        make(2)
        started = time.perf_counter()
        outputs = make(count)
        self.seconds[name] = time.perf_counter() - started
        return outputs
