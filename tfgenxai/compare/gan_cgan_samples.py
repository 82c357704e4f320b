"""What a GAN and a conditional GAN draw, and how near it is to real digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai import plots
from tfgenxai.metrics.generation import generation_report

if TYPE_CHECKING:
    from tfgenxai.compare.gan_cgan import GanCgan

#: Nearness to the training set is measured on all of it, by `tfgenxai evaluate`, for the card.
_SKIPPED = ("memorisation", "stacked")
_MEASURES = {
    "frechet": "Fréchet distance (lower is better)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "classifier_confidence": "confidence of the classifier",
    "classes_covered": "digits drawn",
    "class_kl": "class KL (lower is better)",
}
_ROWS, _COLUMNS = 4, 10


def add_samples(comparison: GanCgan) -> None:
    """Samples of both in one figure, and distances and shares on the same features."""
    count = comparison.size
    train, test = comparison.subjects.train(count), comparison.subjects.data[:count]
    shown, reports = {}, {}
    for name in comparison.generators:
        images, labels = comparison.draw(name, count)
        few = images[: _ROWS * _COLUMNS]
        shown[name] = few.reshape(_ROWS, _COLUMNS, *few.shape[1:])
        reports[name] = generation_report(
            images,
            train,
            test,
            comparison.subjects.classifier,
            labels=labels,
            seed=comparison.seed,
            skip=_SKIPPED,
        )
    comparison.results["generation"] = reports
    gan, cgan = reports["GAN"], reports["CGAN"]
    comparison.section(
        "What they draw",
        "A GAN draws from noise alone: which digit comes out is up to the code. A conditional GAN "
        "is given a label beside the code.",
    )
    comparison.figure(
        "samples",
        plots.image_blocks(shown),
        "The first images of the same seed. Columns of the CGAN are the labels 0 to 9.",
    )
    comparison.table(
        "generation",
        [
            {
                "measure": text,
                "GAN": gan[name],
                "GAN interval": _ends(gan, name),
                "CGAN": cgan[name],
                "CGAN interval": _ends(cgan, name),
                "real": gan.get(f"{name}_real"),
            }
            for name, text in _MEASURES.items()
        ],
        f"In the features of the classifier's layer `{gan['features_layer']}`, "
        f"{gan['distance_images']:,} images of each kind; *real* is what as many other real images "
        "reach. Class KL: how far the shares of the digits are from the real ones, in nats; the "
        "CGAN is asked for equal shares.",
    )
    comparison.finding(
        f"Fréchet distance to real digits: GAN {gan['frechet']:.3g}, CGAN {cgan['frechet']:.3g} "
        f"(other real images: {gan['frechet_real']:.3g}; n = {gan['distance_images']:,}). "
        f"Precision {gan['precision']:.2f} and {cgan['precision']:.2f}, recall "
        f"{gan['recall']:.2f} and {cgan['recall']:.2f}, coverage {gan['coverage']:.2f} and "
        f"{cgan['coverage']:.2f} (real: {gan['precision_real']:.2f}, {gan['recall_real']:.2f}, "
        f"{gan['coverage_real']:.2f})."
    )


def _ends(report: dict[str, float | None], name: str) -> str | None:
    low, high = report.get(f"{name}_low"), report.get(f"{name}_high")
    return None if low is None or high is None else f"{low:.3g} to {high:.3g}"
