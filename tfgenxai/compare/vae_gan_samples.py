"""What both models draw, how well the VAE restores, and the closing table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.use_cases import BETTER, use_cases
from tfgenxai.latent.effects import eta_squared
from tfgenxai.metrics.coverage import Coverage, mode_coverage
from tfgenxai.metrics.likelihood import active_units

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan
    from tfgenxai.saved.read import SavedModel

#: Of the shared measures, those that have one.
_INTERVALS = tuple(f"{name}_{end}" for name in ("precision", "recall") for end in ("low", "high"))


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
        f"Images that the generator makes of codes from {material.generator.source}"
        + ("" if material.asked is None else ", asked for all labels in turn")
        + f". The classifier is {100 * gan.confidence:.1f} % sure of them on average"
        + _obeyed(comparison)
        + ".",
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


def add_summary(comparison: VaeGan) -> None:
    """The closing table, and what its numbers suggest to use each model for."""
    material, results = comparison.material, comparison.results
    count = len(material.images)
    codes = results["projections"]
    quality, inversion = results["generation"], results["inversion"]
    shared = ("frechet", "precision", "recall", "classifier_confidence", "classes_covered")
    vae, gan = (
        {
            **{name: quality[model][name] for name in shared},
            **{k: v for k, v in quality[model].items() if k in _INTERVALS},
            **inversion[model],
            "ms_per_sample": 1e3 * material.seconds[f"{model} generate"] / count,
            "ms_per_code": inversion["ms_per_code"][model],
            "latent_dimensions": spaces[0].shape[1],
            "codes_knn_accuracy": codes[view]["tsne"].get("codes_knn_accuracy"),
            "codes_silhouette": codes[view]["tsne"].get("codes_silhouette"),
            "largest_eta_squared": float(eta_squared(*spaces).max()),
        }
        for model, view, spaces in (
            ("vae", "VAE means", (material.means, material.labels)),
            ("gan", "GAN z", (material.noise, material.gan_labels)),
        )
    )
    vae["active_units"] = active_units(material.means)
    results["summary"] = {"vae": vae, "gan": gan}
    comparison.section("Side by side, in numbers")
    comparison.table(
        "summary",
        [
            {"measure": name.replace("_", " "), "VAE": vae[name], "GAN": gan.get(name)}
            for name in vae
            if not name.endswith(("_low", "_high"))
        ],
        "All numbers are measured in this run. The silhouette and the accuracy of nearest "
        "neighbours are taken on the codes themselves; the GAN's reconstruction is by search.",
    )
    tables = use_cases(results["summary"])
    comparison.headline = in_short(tables)
    for model, rows in tables.items():
        comparison.table(f"uses-{model.lower()}", rows, f"The {model}: what it is for here.")
    if None not in (vae["codes_knn_accuracy"], gan["codes_knn_accuracy"]):
        comparison.finding(
            "By the nearest neighbours of its code the digit is found for "
            f"{100 * vae['codes_knn_accuracy']:.1f} % of the VAE's codes and "
            f"{100 * gan['codes_knn_accuracy']:.1f} % of the GAN's."
        )
    comparison.finding(
        f"A sample takes {vae['ms_per_sample']:.2g} ms from the VAE and "
        f"{gan['ms_per_sample']:.2g} ms from the GAN."
    )


def in_short(tables: dict[str, list[dict[str, Any]]]) -> str:
    """What each model does better, in a sentence each; tables as of `use_cases`."""
    sentences = []
    for model, rows in tables.items():
        better = [row["task"] for row in rows if row["verdict"] == BETTER]
        if better:
            sentences.append(f"Take the {model} to {', '.join(better)}.")
    return " ".join(sentences) or "Neither model is better at any of the tasks."


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


def _obeyed(comparison: VaeGan) -> str:
    """How often a conditional GAN draws the digit that it is asked for."""
    material = comparison.material
    if material.asked is None:
        return ""
    share = float(np.mean(material.gan_labels == material.asked))
    comparison.results["asked_label_drawn"] = share
    return f", and sees the digit that was asked for in {100 * share:.1f} %"


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
