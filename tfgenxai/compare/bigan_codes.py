"""The code spaces of a BiGAN's and a VAE's encoder: neighbours, classes, dimensions in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.untrained import untrained
from tfgenxai.latent import TSNE
from tfgenxai.latent.effects import eta_squared
from tfgenxai.latent.quality import knn_accuracy, silhouette
from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.codes import one_nn_accuracy
from tfgenxai.metrics.intervals import Interval
from tfgenxai.metrics.likelihood import active_units

if TYPE_CHECKING:
    from tfgenxai.compare.bigan import TwoEncoders

#: Donahue et al. 2017, table 1: nearest neighbours of E(x), all 60,000 and 10,000 images.
PUBLISHED = 0.974
#: Codes that are projected, and dimensions that a chart shows of each model.
_PROJECTED, _BARS = 500, 8
_DIGITS = [str(digit) for digit in range(10)]


def add_neighbours(comparison: TwoEncoders) -> None:
    """The digit by the nearest training code, beside pixels, components and random weights."""
    train = comparison.subjects.train(comparison.known)
    known = np.asarray(train.labels)
    spaces: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, model in comparison.models.items():
        encode = model["encode"].function("image", "mean")
        seen = model.as_trained(train).images
        spaces[name] = (batched(encode, seen), comparison.codes[name])
    grey = (train.images, comparison.subjects.grey(len(comparison.labels)))
    random = untrained(comparison.models["BiGAN"]["encode"], comparison.seed)
    spaces["BiGAN, random weights"] = tuple(  # type: ignore[assignment]
        batched(random.function("image", "mean"), x) for x in grey
    )
    spaces["principal components"] = _components(*grey, spaces["BiGAN"][0].shape[1])
    spaces["pixels"] = grey
    found = {
        name: one_nn_accuracy(near, known, test, comparison.labels, seed=comparison.seed)
        for name, (near, test) in spaces.items()
    }
    comparison.results["neighbours"] = {
        **{name: each.row("accuracy") for name, each in found.items()},
        "known": len(known),
        "published": PUBLISHED,
    }
    comparison.section(
        "What the codes tell of the digit",
        "Each test image gets the digit of the training image whose code is nearest. Neither "
        "encoder saw a label.",
    )
    comparison.table(
        "neighbours",
        [
            {
                "nearest by": name,
                "dimensions": int(np.prod(spaces[name][0].shape[1:])),
                **each.row("accuracy"),
            }
            for name, each in found.items()
        ],
        f"Accuracy of the nearest of {len(known):,} training images for {len(comparison.labels):,} "
        f"test images, with 95 % intervals. Published for the BiGAN with 60,000: "
        f"{100 * PUBLISHED:.1f} %. Random weights: the BiGAN's encoder, all weights drawn anew.",
    )
    comparison.finding(_nearest(found, len(known)))


def add_spaces(comparison: TwoEncoders) -> None:
    """How the digits lie in both code spaces, and how many dimensions are in use."""
    labels, seed = comparison.labels, comparison.seed
    eta = {name: eta_squared(codes, labels) for name, codes in comparison.codes.items()}
    rows = [
        {
            "model": name,
            "dimensions": codes.shape[1],
            "active": active_units(codes),
            "knn_accuracy": knn_accuracy(codes, labels, seed=seed),
            "silhouette": silhouette(codes, labels, seed=seed),
            "largest_eta_squared": float(eta[name].max()),
            "mean_eta_squared": float(eta[name].mean()),
            "largest_share_of_variance": float(codes.var(axis=0).max() / codes.var(axis=0).sum()),
        }
        for name, codes in comparison.codes.items()
    ]
    comparison.results["spaces"] = {row["model"]: row for row in rows}
    comparison.table(
        "spaces",
        rows,
        f"Codes of {len(labels):,} test images. Active: dimensions whose variance is above 0.01 "
        "(Burda et al. 2016). kNN: five neighbours, five folds. Eta squared: share of a "
        "dimension's variance that lies between the digits.",
    )
    few = min(_PROJECTED, len(labels))
    comparison.figure(
        "codes",
        plots.scatters(
            [
                (name, TSNE(seed=seed)(codes[:few]), labels[:few])
                for name, codes in comparison.codes.items()
            ],
            _DIGITS,
            title="t-SNE of both code spaces",
        ),
        f"Codes of the first {few:,} test images, coloured by digit. Silhouette in the codes "
        "themselves: " + ", ".join(f"{row['model']} {row['silhouette']:.2f}" for row in rows) + ".",
    )
    order = {name: np.argsort(-values)[:_BARS] for name, values in eta.items()}
    comparison.figure(
        "eta",
        plots.bars(
            [float(eta[name][place]) for name in eta for place in order[name]],
            [f"{name} z{place}" for name in eta for place in order[name]],
            title="What single dimensions tell of the digit",
            xlabel="eta squared",
        ),
        f"The {_BARS} dimensions of each model that tell most: the share of their variance between "
        "digits.",
    )
    vae, bigan = rows
    comparison.finding(
        f"Of the BiGAN's {bigan['dimensions']} dimensions {bigan['active']} are active, of the "
        f"VAE's {vae['dimensions']} {vae['active']}. A single one tells most of the digit with eta "
        f"squared {bigan['largest_eta_squared']:.2f} (VAE {vae['largest_eta_squared']:.2f}), the "
        f"mean over dimensions is {bigan['mean_eta_squared']:.2f} ({vae['mean_eta_squared']:.2f})."
    )


def _components(train: np.ndarray, test: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of pixels, as many as the BiGAN's codes have dimensions."""
    from sklearn.decomposition import PCA

    known, seen = (x.reshape(len(x), -1) for x in (train, test))
    made = PCA(min(count, *known.shape), svd_solver="covariance_eigh").fit(known)
    return made.transform(known), made.transform(seen)


def _nearest(found: dict[str, Interval], known: int) -> str:
    own = found["BiGAN"]
    if known >= 60_000:
        short = "short of" if own.high < PUBLISHED else "in reach of"
        published = f", {short} the published {100 * PUBLISHED:.1f} %"
    else:
        published = f" (published, with 60,000: {100 * PUBLISHED:.1f} %)"
    others = ", ".join(
        f"{name} {100 * each.mean:.1f} %" for name, each in found.items() if name != "BiGAN"
    )
    return (
        f"By the nearest of {known:,} training codes the BiGAN's encoder finds the digit of "
        f"{100 * own.mean:.1f} % [{100 * own.low:.1f}, {100 * own.high:.1f}] of {own.count:,} test "
        f"images{published}. For comparison: {others}."
    )
