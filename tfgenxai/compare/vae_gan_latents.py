"""The latent spaces of both models: principal components, t-SNE and UMAP, with their quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.latent import PCA, TSNE, UMAP, Projection

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan

_PRINTABLE = 20
_DIGITS = [str(digit) for digit in range(10)]


def add_components(comparison: VaeGan) -> None:
    """Eigenvalues and eigenvectors as the course project prints them, and their reading."""
    material = comparison.material
    comparison.section(
        "Latent space",
        "The VAE's codes are the posterior means of test images. The GAN's codes are its noise, "
        "which has no labels: each is labelled by the digit that the classifier sees in the image "
        f"drawn from it. The generator's first hidden layer (`{material.hidden_layer}`, its first "
        f"{material.hidden.shape[1]} principal components) is shown too, since the noise itself is "
        "isotropic by design.",
    )
    comparison.results["pca"] = {}
    for name, slug, codes in (
        ("VAE means", "vae", material.means),
        ("GAN z", "gan", material.noise),
    ):
        components = PCA()(codes).components
        spectrum = PCA(n_components=min(codes.shape))(codes).components
        assert components is not None and spectrum is not None  # a PCA has both
        comparison.section(f"Principal components: {name}", level=2)
        table = components.table()
        comparison.report.code(table if codes.shape[1] <= _PRINTABLE else table.splitlines()[0])
        comparison.text(components.reading())
        comparison.figure(
            f"eigenvalues-{slug}",
            plots.eigenvalues(spectrum, title=name),
            f"All eigenvalues of the {name}: the first component carries "
            f"{100 * components.ratio[0]:.1f} % of the variance, where equal shares would be "
            f"{100 / codes.shape[1]:.1f} %.",
        )
        comparison.results["pca"][name] = {
            "eigenvalues": components.variance.tolist(),
            "eigenvectors": components.vectors.tolist(),
            "reading": components.reading(),
        }


def add_projections(comparison: VaeGan) -> None:
    """PCA, t-SNE and UMAP of both models' codes, and how far each view can be believed."""
    material, seed = comparison.material, comparison.seed
    spaces = {
        "VAE means": (material.means, material.labels),
        "GAN z": (material.noise, material.gan_labels),
        "GAN hidden layer": (material.hidden, material.gan_labels),
    }
    comparison.section("Projections", level=2)
    measured: dict[str, dict[str, Any]] = {name: {} for name in spaces}
    for projector in (PCA(), TSNE(seed=seed), UMAP(seed=seed)):
        panels = []
        for name, (codes, labels) in spaces.items():
            projection = projector(codes)
            # A collapsed generator draws one digit only: there is then nothing to tell apart.
            known = labels if len(np.unique(labels)) > 1 else None
            measured[name][projector.method] = projection.quality(codes, known).row() | {
                "seconds": projection.seconds
            }
            panels.append((name, projection, labels))
        comparison.figure(
            f"latent-{projector.method}",
            plots.scatters(panels, _DIGITS, title=f"{projector.title} of the latent spaces"),
            _caption(projector.title, projector.method, measured, panels),
        )
    comparison.results["projections"] = measured
    comparison.table(
        "projections",
        [
            {
                "codes": name,
                "view": method,
                "trustworthiness": row["trustworthiness"],
                "kNN accuracy": row.get("knn_accuracy"),
                "silhouette": row.get("silhouette"),
                "seconds": row["seconds"],
            }
            for name, views in measured.items()
            for method, row in views.items()
        ],
        "Trustworthiness: are neighbours in the view neighbours among the codes (1 is best)? "
        "Nearest-neighbour (kNN) accuracy and silhouette: do the digits keep together in the view? "
        "Chance accuracy is about 10 %.",
    )


def _caption(
    title: str,
    method: str,
    measured: dict[str, dict[str, Any]],
    panels: list[tuple[str, Projection, np.ndarray]],
) -> str:
    accuracies = {
        name: measured[name][method]["knn_accuracy"]
        for name, _, _ in panels
        if "knn_accuracy" in measured[name][method]
    }
    if not accuracies:
        return f"{title} of the codes."
    found = ", ".join(f"{name} {100 * accuracy:.1f} %" for name, accuracy in accuracies.items())
    return (
        f"{title}, coloured by digit. Nearest neighbours in the view find the digit for {found}: "
        f"the digits are best told apart in the {max(accuracies, key=lambda n: accuracies[n])}."
    )
