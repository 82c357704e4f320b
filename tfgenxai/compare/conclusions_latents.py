"""Conclusions about latent codes: do they represent digits, and are they organised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.study import Conclusion, Study, common
from tfgenxai.latent import eta_squared, knn_hits
from tfgenxai.latent.quality import KNN_NEIGHBORS
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import randomised, weighted_layers
from tfgenxai.targets import Latent

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison

#: Cohen's large effect: from this share of the variance on, a class is said to decide.
LARGE = 0.14


def representations(found: Comparison, study: Study) -> None:
    """Whether codes of one digit lie together: nearest neighbours, against pixels and controls."""
    m = study.material
    encode = study.subjects.vae["encode"]
    blank = randomised(encode, weighted_layers(encode, Latent(0)), study.seed)
    spaces = {
        "VAE means": (m.means, m.labels),
        "pixels": (m.images.reshape(len(m.images), -1), m.labels),
        "means of an untrained encoder": (
            batched(blank.function("image", "mean"), m.images),
            m.labels,
        ),
        "GAN z": (m.noise, m.gan_labels),
        "GAN first hidden layer": (m.hidden, m.gan_labels),
    }
    hits = {name: interval(knn_hits(*space, seed=study.seed)) for name, space in spaces.items()}
    guess = {
        name: float(np.bincount(labels).max() / len(labels)) for name, (_, labels) in spaces.items()
    }
    found.section(
        "Latent codes are meaningful representations of digits",
        f"If so, the {KNN_NEIGHBORS} nearest neighbours of a code show the same digit. Codes of "
        "the GAN have no label: the classifier's vote on the image drawn from each stands in.",
    )
    found.table(
        "representations",
        [
            {"codes": name, **hit.row("accuracy"), "largest class": guess[name]}
            for name, hit in hits.items()
        ],
        f"Accuracy of {KNN_NEIGHBORS} nearest neighbours on held-out codes (5 folds), 95 % "
        "intervals; largest class: always guessing the most frequent digit.",
    )
    control = hits["means of an untrained encoder"]
    for model, space, floor, against in (
        (
            "VAE",
            "VAE means",
            max(control.high, guess["VAE means"]),
            f"an untrained encoder {control}, raw pixels {hits['pixels']}",
        ),
        ("GAN", "GAN z", guess["GAN z"], f"the most frequent digit {guess['GAN z']:.3g}"),
    ):
        study.conclusions.append(
            Conclusion(
                "Latent codes are meaningful representations of digits",
                model,
                f"Nearest neighbours find the digit for {hits[space]} of the codes",
                against,
                hits[space].low > floor,
                "accuracy above that of an untrained encoder and of guessing",
            )
        )


def organisation(found: Comparison, study: Study) -> None:
    """Whether digits are clusters, and single dimensions tell them apart."""
    from sklearn.metrics import silhouette_samples

    m = study.material
    rows = []
    found.section(
        "The latent space is organised in an interpretable way",
        "If so, the digits form clusters (silhouette above 0) and single dimensions tell digits "
        "apart: eta squared is the share of a dimension's variance that the digit explains; Cohen "
        f"calls {LARGE} a large effect.",
    )
    for model, codes, labels in (("VAE", m.means, m.labels), ("GAN", m.noise, m.gan_labels)):
        kept = common(labels)
        spread = interval(silhouette_samples(codes[kept], labels[kept]))
        eta = eta_squared(codes[kept], labels[kept])
        # A dimension of no meaning explains (K - 1) / (N - 1) of its variance by chance.
        expected = (len(np.unique(labels[kept])) - 1) / (kept.sum() - 1)
        large = int(np.sum(eta > LARGE))
        rows.append(
            {
                "model": model,
                **spread.row("silhouette"),
                "dimensions": len(eta),
                "large effects": large,
                "largest eta squared": float(eta.max()),
                "by chance": float(expected),
            }
        )
        found.figure(
            f"effects-{model.lower()}",
            plots.bars(
                [float(each) for each in np.sort(eta)[::-1][:20]],
                [f"z{i}" for i in np.argsort(-eta)[:20]],
                title=f"{model}: what the digit explains of each dimension",
                xlabel="eta squared",
            ),
            f"{model}: share of each dimension's variance that the digit explains (the 20 largest; "
            f"by chance {expected:.3f}).",
        )
        study.conclusions.append(
            Conclusion(
                "The latent space is organised in an interpretable way",
                model,
                f"Silhouette of the digits {spread}; {large} of {len(eta)} dimensions separate "
                f"digits strongly (largest eta squared {eta.max():.2f})",
                f"silhouette 0 without clusters, eta squared {expected:.3f} by chance",
                spread.low > 0 and large > 0,
                "silhouette above 0, and at least one dimension with a large effect",
            )
        )
    found.table("organisation", rows, f"{len(m.means):,} codes of each model.")
