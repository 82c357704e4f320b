"""The VAE-against-GAN comparison of the course projects, as one report with numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tfgenxai.compare import (
    vae_gan_heatmaps,
    vae_gan_latents,
    vae_gan_neurons,
    vae_gan_quality,
    vae_gan_samples,
)
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.material import Material, gather
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError
from tfgenxai.tensorboard import Summaries, write_projector

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects


class VaeGan(Comparison):
    """The comparison as it grows, with the models and arrays that its parts look at."""

    def __init__(self, subjects: Subjects, material: Material, seed: int) -> None:
        super().__init__(
            "A VAE and a GAN, explained side by side",
            f"{len(material.images):,} MNIST test images ({subjects.data.source}), seed {seed}",
        )
        self.subjects = subjects
        self.vae, self.gan, self.classifier = subjects.vae, subjects.gan, subjects.classifier
        self.material = material
        self.seed = seed
        self.results |= {
            "images": len(material.images),
            "source": subjects.data.source,
            "seed": seed,
        }


STEPS: tuple[Callable[[VaeGan], None], ...] = (
    vae_gan_samples.add_samples,
    vae_gan_quality.add_quality,
    vae_gan_quality.add_inversion,
    vae_gan_latents.add_components,
    vae_gan_latents.add_projections,
    vae_gan_neurons.add_neurons,
    vae_gan_heatmaps.add_latent_heatmaps,
    vae_gan_heatmaps.add_discriminator_heatmaps,
    vae_gan_heatmaps.add_saliency,
    vae_gan_heatmaps.add_traversal,
    vae_gan_samples.add_summary,
)


def compare_vae_gan(
    subjects: Subjects, *, size: int = 2000, seed: int = 0, progress: bool = True
) -> VaeGan:
    """The two models compared; `save` also writes TensorBoard's logs, into logs/.

    Args:
        size: images and codes to look at, at least 100.
        seed: of all codes and projections.
        progress: show a bar on stderr.

    Raises:
        InvalidInputError: fewer than 100 images.
    """
    if min(size, len(subjects.data)) < 100:
        raise InvalidInputError(
            "The comparison needs at least 100 images; raise --size or change the data."
        )
    with counter("comparing", len(STEPS) + 1, progress) as done:
        comparison = VaeGan(subjects, gather(subjects, size=size, seed=seed), seed)
        done(1)
        for step in STEPS:
            step(comparison)
            done(1)
    comparison.writers.append(lambda out: _write_logs(comparison, out / "logs"))
    return comparison


def _write_logs(comparison: VaeGan, logs: Path) -> None:
    """TensorBoard: both latent spaces in the projector, samples, and the summary's numbers."""
    material = comparison.material
    write_projector(
        logs, "vae-means", material.means, images=material.images, labels=material.labels
    )
    write_projector(
        logs, "gan-z", material.noise, images=material.gan_samples, labels=material.gan_labels
    )
    write_projector(
        logs,
        "gan-hidden",
        material.hidden,
        images=material.gan_samples,
        labels=material.gan_labels,
    )
    with Summaries(logs) as log:
        log.images("samples/vae", material.vae_samples[:64], step=0)
        log.images("samples/gan", material.gan_samples[:64], step=0)
        for model in ("vae", "gan"):
            numbers = comparison.results["summary"][model]
            known = {name: value for name, value in numbers.items() if value is not None}
            log.scalars({f"{model}/{name}": value for name, value in known.items()}, step=0)
