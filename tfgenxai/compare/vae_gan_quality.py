"""How good what the models draw is, and how well either finds a given image again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.generation import generation_report
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.inversion import invert

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan

#: Nearness to the training set is measured on all of it, by `tfgenxai evaluate`, for the card.
_SKIPPED = ("memorisation",)
_MEASURES = {
    "frechet": "Fréchet distance (lower is better)",
    "kernel_distance": "kernel distance (lower is better)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "classifier_score": "classifier score",
    "class_kl": "class KL (lower is better)",
    "stacked_modes": "stacked modes of 1,000",
}
#: A search runs the generator hundreds of times for each.
_INVERTED, _STEPS, _STARTS = 16, 150, 2
_SHOWN = 10


def add_quality(comparison: VaeGan) -> None:
    """Distances and shares in the classifier's feature space, with what real images reach."""
    material = comparison.material
    count = len(material.images)
    train, test = comparison.subjects.train(count), comparison.subjects.data[:count]
    reports = {
        name: generation_report(
            images, train, test, comparison.classifier, seed=comparison.seed, skip=_SKIPPED
        )
        for name, images in (("vae", material.vae_samples), ("gan", material.gan_samples))
    }
    comparison.results["generation"] = reports
    vae, gan = reports["vae"], reports["gan"]
    comparison.section(
        "How good the samples are",
        f"In the features of the classifier's layer `{vae['features_layer']}`, "
        f"{vae['distance_images']:,} images of each kind. *Real* is what as many other real "
        "images reach: the floor of a distance, the ceiling of a share. These distances cannot be "
        "compared with published ones, which use another network's features.",
        level=2,
    )
    comparison.table(
        "generation",
        [
            {
                "measure": text,
                "VAE": vae[name],
                "VAE interval": _ends(vae, name),
                "GAN": gan[name],
                "GAN interval": _ends(gan, name),
                "real": vae.get(f"{name}_real"),
            }
            for name, text in _MEASURES.items()
        ],
        "Precision: share of samples that lie among real images; recall: share of real images "
        "among the samples (Kynkäänniemi et al. 2019). Density and coverage: their more robust "
        "kin (Naeem et al. 2020). Class KL: how far the shares of the digits are from the real "
        "ones, in nats.",
    )
    nearer, farther = sorted(("VAE", "GAN"), key=lambda name: reports[name.lower()]["frechet"])
    near, far = reports[nearer.lower()], reports[farther.lower()]
    comparison.finding(
        f"What the {nearer} draws is nearer to real digits as a whole: Fréchet distance "
        f"{near['frechet']:.3g} against the {farther}'s {far['frechet']:.3g} (real images: "
        f"{near['frechet_real']:.3g}; n = {near['distance_images']:,})."
    )
    comparison.finding(
        f"Precision and recall: VAE {vae['precision']:.2f} and {vae['recall']:.2f}, GAN "
        f"{gan['precision']:.2f} and {gan['recall']:.2f} (real: {vae['precision_real']:.2f} and "
        f"{vae['recall_real']:.2f})."
    )


def add_inversion(comparison: VaeGan) -> None:
    """A given image, found again: by the encoder in one pass, by search in the generator."""
    material = comparison.material
    chosen = slice(0, min(_INVERTED, len(material.images)))
    found = invert(
        material.generator,
        material.grey[chosen],
        labels=None if material.asked is None else material.labels[chosen],
        steps=_STEPS,
        restarts=_STARTS,
        seed=comparison.seed,
    )
    restored = batched(
        comparison.vae["reconstruct"].function("image", "image"), material.grey[chosen]
    )
    # Both on the same grey images, though the VAE may have been trained on binary ones.
    same = np.square(restored - material.grey[chosen]).mean(axis=(1, 2, 3))
    vae, gan = interval(same), interval(found.mse)
    own = interval(np.square(material.restored - material.images).mean(axis=(1, 2, 3)))
    per_code = {
        "vae": 1e3 * material.seconds["encode"] / len(material.images),
        "gan": 1e3 * found.seconds / len(found.mse),
    }
    comparison.results["inversion"] = {
        "images": len(found.mse),
        "vae": vae.row("reconstruction_mse"),
        "gan": gan.row("reconstruction_mse"),
        "vae_as_trained": own.row("reconstruction_mse"),
        "ms_per_code": per_code,
        "gan_spread": float(found.restart_mse.std(axis=1).mean()),
    }
    comparison.section(
        "Finding a given image again",
        "The VAE's encoder gives the code of an image in one pass. A GAN has no encoder: its code "
        "is searched for, by gradient descent on the squared error from two random starts "
        "(Creswell and Bharath 2018). The errors of both are compared on the same grey images, "
        "though the VAE may have been trained on binary ones.",
        level=2,
    )
    comparison.figure(
        "reconstructions",
        plots.reconstructions(material.images[:_SHOWN], material.restored[:_SHOWN]),
        "Test images, as the VAE sees them, and their reconstructions through its posterior mean; "
        f"the mean squared error over all {len(material.images):,} images is {own}.",
    )
    comparison.figure(
        "inversions",
        plots.reconstructions(
            material.grey[:_SHOWN], found.images[:_SHOWN], names=("input", "found in the GAN")
        ),
        f"Test images, and the nearest image that was found in the generator; mean squared error "
        f"over {len(found.mse)} images {gan}, {per_code['gan']:.0f} ms an image where the "
        f"encoder takes {per_code['vae']:.2g} ms.",
    )
    comparison.finding(
        f"A given grey image is found again with squared error {vae} by the VAE in "
        f"{per_code['vae']:.2g} ms, and {gan} by a search in the GAN in {per_code['gan']:.0f} ms "
        f"(n = {len(found.mse)})."
    )


def _ends(report: dict[str, Any], name: str) -> str | None:
    low, high = report.get(f"{name}_low"), report.get(f"{name}_high")
    return None if low is None or high is None else f"{low:.3g} to {high:.3g}"
