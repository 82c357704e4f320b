"""The VAE-against-GAN comparison of the course projects, as one report with numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare import vae_gan_heatmaps, vae_gan_latents, vae_gan_samples
from tfgenxai.compare.material import Material, gather
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError
from tfgenxai.files import write_text
from tfgenxai.report import Report
from tfgenxai.tensorboard import Summaries, write_projector

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel


@dataclass
class Comparison:
    """The report as it grows: `results` takes every number that the report prints."""

    vae: SavedModel
    gan: SavedModel
    classifier: SavedModel
    material: Material
    report: Report
    seed: int
    results: dict[str, Any] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)

    def figure(self, name: str, figure: Any, caption: str) -> None:
        """Adds a figure to the report, and its name to the results."""
        self.report.figure(figure, caption, name=name)
        self.figures.append(name)


STEPS: tuple[Callable[[Comparison], None], ...] = (
    vae_gan_samples.add_samples,
    vae_gan_latents.add_components,
    vae_gan_latents.add_projections,
    vae_gan_heatmaps.add_latent_heatmaps,
    vae_gan_heatmaps.add_discriminator_heatmaps,
    vae_gan_heatmaps.add_saliency,
    vae_gan_heatmaps.add_traversal,
    vae_gan_samples.add_summary,
)


def compare_vae_gan(
    vae: SavedModel,
    gan: SavedModel,
    classifier: SavedModel,
    data: ImageData,
    *,
    out: str | Path,
    size: int = 2000,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Writes report.html, figures/, results.json and logs/ into `out`; returns the results.

    Args:
        vae: SavedModel with encode, decode and reconstruct.
        gan: SavedModel with generate and discriminate.
        classifier: SavedModel with classify, which labels what the GAN draws.
        data: labelled test images, (N, 28, 28, 1).
        size: images and codes to look at, at least 100.
        seed: of all codes and projections.
        progress: show a bar on stderr.
    """
    if size < 100 or data.labels is None:
        raise InvalidInputError(
            "The comparison needs labelled images, at least 100; raise --size or change the data."
        )
    out = Path(out)
    started = time.monotonic()
    with counter("comparing", len(STEPS) + 2, progress) as done:
        material = gather(vae, gan, classifier, data, size=size, seed=seed)
        done(1)
        report = Report(
            "A VAE and a GAN, explained side by side",
            f"{len(material.images):,} MNIST test images ({data.source}), seed {seed}",
        )
        comparison = Comparison(vae, gan, classifier, material, report, seed)
        comparison.results |= {"images": len(material.images), "source": data.source, "seed": seed}
        for step in STEPS:
            step(comparison)
            done(1)
        _write_logs(comparison, out / "logs")
        done(1)
    results = comparison.results | {
        "figures": comparison.figures,
        "seconds": round(time.monotonic() - started, 1),
    }
    report.save(out / "report.html")
    write_text(out / "results.json", json.dumps(results, indent=2, default=_plain))
    return json.loads(json.dumps(results, default=_plain))


def _write_logs(comparison: Comparison, logs: Path) -> None:
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


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
