"""What both models draw, how well the VAE restores, and the closing table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.coverage import Coverage, mode_coverage
from tfgenxai.metrics.likelihood import active_units

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan
    from tfgenxai.saved.read import SavedModel


def add_samples(comparison: VaeGan) -> None:
    """Models, samples, reconstructions and the classes that the classifier sees."""
    material = comparison.material
    comparison.section(
        "The models",
        "Both models are opened as frozen SavedModels: nothing below needs their source code.",
    )
    comparison.table(
        "models",
        [_model_row(comparison.vae), _model_row(comparison.gan), _model_row(comparison.classifier)],
        "The models, as their cards describe them.",
    )
    comparison.section("What they draw")
    vae, gan = mode_coverage(material.vae_votes), mode_coverage(material.gan_votes)
    comparison.results["coverage"] = {"vae": _coverage(vae), "gan": _coverage(gan)}
    comparison.figure(
        "samples-vae",
        plots.image_grid(material.vae_samples[:64], columns=16, title="VAE: decoded prior draws"),
        "Images that the VAE decodes from standard normal codes. The classifier is "
        f"{100 * vae.confidence:.1f} % sure of them on average"
        f"{_of_real(comparison)}.",
    )
    comparison.figure(
        "samples-gan",
        plots.image_grid(material.gan_samples[:64], columns=16, title="GAN: generated images"),
        "Images that the generator makes of standard normal noise. The classifier is "
        f"{100 * gan.confidence:.1f} % sure of them on average.",
    )
    shares = np.stack([vae.shares, gan.shares, _real_shares(material.labels)])
    comparison.figure(
        "classes",
        plots.matrix(
            100 * shares,
            ["VAE samples", "GAN samples", "test images"],
            [str(digit) for digit in range(shares.shape[1])],
            title="Share of each digit, %",
            label="%",
        ),
        f"Which digits are drawn, by the classifier's votes: the VAE covers {vae.covered} of "
        f"{len(vae.shares)} digits with at least {100 * vae.floor:.0f} % of its samples each, the "
        f"GAN {gan.covered}. {_rarest('VAE', vae)} {_rarest('GAN', gan)}",
    )
    mse = float(np.mean(np.square(material.restored - material.images)))
    comparison.results["reconstruction_mse"] = mse
    comparison.figure(
        "reconstructions",
        plots.reconstructions(material.images[:12], material.restored[:12]),
        "Test images, as the VAE sees them, and their reconstructions through its posterior mean; "
        "the mean squared "
        f"error over all {len(material.images):,} images is {mse:.4f}. A GAN has no encoder, so "
        "it cannot restore an image without searching for its code.",
    )


def add_summary(comparison: VaeGan) -> None:
    """The closing table, and what its numbers suggest each model for."""
    material, results = comparison.material, comparison.results
    count = len(material.images)
    codes = results["projections"]
    vae = {
        "classes_covered": results["coverage"]["vae"]["covered"],
        "classifier_confidence": results["coverage"]["vae"]["confidence"],
        "ms_per_sample": 1e3 * material.seconds["vae generate"] / count,
        "codes_knn_accuracy": codes["VAE means"]["tsne"].get("codes_knn_accuracy"),
        "codes_silhouette": codes["VAE means"]["tsne"].get("codes_silhouette"),
        "latent_dimensions": material.means.shape[1],
        "active_units": active_units(material.means),
        "reconstruction_mse": results["reconstruction_mse"],
    }
    gan = {
        "classes_covered": results["coverage"]["gan"]["covered"],
        "classifier_confidence": results["coverage"]["gan"]["confidence"],
        "ms_per_sample": 1e3 * material.seconds["gan generate"] / count,
        "codes_knn_accuracy": codes["GAN z"]["tsne"].get("codes_knn_accuracy"),
        "codes_silhouette": codes["GAN z"]["tsne"].get("codes_silhouette"),
        "latent_dimensions": material.noise.shape[1],
    }
    results["summary"] = {"vae": vae, "gan": gan}
    comparison.section("Side by side, in numbers")
    comparison.table(
        "summary",
        [
            {"measure": name.replace("_", " "), "VAE": vae[name], "GAN": gan.get(name)}
            for name in vae
        ],
        "All numbers are measured in this run on the same number of images and codes. The "
        "silhouette and the accuracy of nearest neighbours are taken on the codes themselves.",
    )
    comparison.text(_reading(vae, gan))


def _reading(vae: dict[str, Any], gan: dict[str, Any]) -> str:
    """Sentences that follow from the table, whichever way its numbers point."""
    sides = ("VAE", "GAN") if _first_wins("classifier_confidence", vae, gan) else ("GAN", "VAE")
    faster = "GAN" if _first_wins("ms_per_sample", vae, gan) else "VAE"
    times = sorted([vae["ms_per_sample"], gan["ms_per_sample"]])
    lines = [
        f"- To draw digits that read clearly: the {sides[0]}, whose samples the classifier is "
        f"surer of than the {sides[1]}'s.",
        f"- To draw many images: the {faster}, here {times[1] / times[0]:.1f} times faster.",
        "- To restore, denoise or score a given image: the VAE, which alone has an encoder.",
    ]
    if None not in (vae["codes_knn_accuracy"], gan["codes_knn_accuracy"]):
        ordered = "VAE" if _first_wins("codes_knn_accuracy", vae, gan) else "GAN"
        low, high = sorted([vae["codes_knn_accuracy"], gan["codes_knn_accuracy"]])
        lines.append(
            f"- To search, cluster or edit by code: the {ordered}, whose codes tell the digits "
            f"apart better ({100 * high:.1f} % against {100 * low:.1f} % by nearest neighbours; "
            "chance is about 10 %)."
        )
    return "\n".join(lines)


def _first_wins(measure: str, first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first[measure] >= second[measure]


def _model_row(model: SavedModel) -> dict[str, Any]:
    card = model.card or {}
    training, metrics = card.get("training", {}), card.get("metrics", {})
    reached = {
        name: metrics[name] for name in ("elbo", "accuracy", "classes_covered") if name in metrics
    }
    return {
        "model": model.path.name,
        "class": card.get("architecture", {}).get("class", ""),
        "parameters": card.get("architecture", {}).get("parameters"),
        "trained on": card.get("data", {}).get("name", ""),
        "epochs": training.get("epochs"),
        "reached": ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}" for name, value in reached.items()
        ),
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "covered": coverage.covered,
        "confidence": coverage.confidence,
        "shares": coverage.shares.round(4).tolist(),
    }


def _real_shares(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels, minlength=10) / len(labels)


def _rarest(name: str, coverage: Coverage) -> str:
    digit = int(coverage.shares.argmin())
    return f"The {name} draws {digit} least ({100 * coverage.shares[digit]:.1f} %)."


def _of_real(comparison: VaeGan) -> str:
    """How sure the classifier is of the real images, for scale."""
    from tfgenxai.metrics.evaluate import batched

    votes = comparison.classifier["classify"].function("image", "probabilities")
    real = mode_coverage(batched(votes, comparison.material.grey))
    comparison.results["coverage_real_confidence"] = real.confidence
    return f" (of the test images {100 * real.confidence:.1f} %)"
