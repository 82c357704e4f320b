"""Images given back through their codes, by both encoders, and by a search that needs none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.features import read
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.inversion import invert

if TYPE_CHECKING:
    from tfgenxai.compare.bigan import TwoEncoders

#: A search runs the generator hundreds of times for each image.
_SEARCHED, _STEPS, _STARTS = 16, 150, 2
_SHOWN = 12


def add_restored(comparison: TwoEncoders) -> None:
    """What comes back through the codes: squared error, and whether it is the same digit."""
    classify = comparison.subjects.classifier["classify"]
    grey = comparison.subjects.grey(len(comparison.labels))
    rows: list[dict[str, Any]] = []
    for name, model in comparison.models.items():
        images = comparison.images[name]
        restore = model["reconstruct"].function("image", "image")
        back, of_grey = batched(restore, images), batched(restore, grey)
        same = read(classify, back).votes == read(classify, images).votes
        rows.append(
            {
                "model": name,
                **interval(_errors(of_grey, grey)).row("mse"),
                **interval(_errors(back, images)).row("mse_as_trained"),
                **interval(same).row("digit_kept"),
                "to_the_mean": float(_errors(grey.mean(axis=0, keepdims=True), grey).mean()),
            }
        )
    comparison.results["restored"] = {row["model"]: row for row in rows}
    comparison.section(
        "Images given back",
        "Through its code and back: the VAE was trained to restore images, the BiGAN to make pairs "
        "of image and code that look alike. What comes back may then be another image of the same "
        "kind.",
    )
    comparison.table(
        "restored",
        rows,
        f"{len(grey):,} test images. The first error is on grey images for both, the second on "
        "images as each model was trained on them; the last column is what the mean image would "
        "get. Digit kept: the classifier sees the same digit before and after.",
    )
    vae, bigan = rows
    comparison.finding(
        f"Restored through its code, a grey image comes back with squared error "
        f"{bigan['mse']:.3f} from the BiGAN and {vae['mse']:.3f} from the VAE (the mean image: "
        f"{vae['to_the_mean']:.3f}); the digit stays the same for "
        f"{100 * bigan['digit_kept']:.1f} % and {100 * vae['digit_kept']:.1f} % of {len(grey):,}."
    )


def add_search(comparison: TwoEncoders) -> None:
    """G(E(x)) against the code that a search finds in the same generator."""
    bigan = comparison.models["BiGAN"]
    images = comparison.images["BiGAN"]
    sought = images[:_SEARCHED]
    found = invert(
        Generator.of(bigan), sought, steps=_STEPS, restarts=_STARTS, seed=comparison.seed
    )
    encode = bigan["encode"].function("image", "mean")
    started = time.perf_counter()
    batched(encode, images)  # compiled by now
    per_code = 1e3 * (time.perf_counter() - started) / len(images)
    restored = {
        name: batched(
            model["reconstruct"].function("image", "image"), comparison.images[name][:_SEARCHED]
        )
        for name, model in comparison.models.items()
    }
    by_encoder = interval(_errors(restored["BiGAN"], sought))
    by_search = interval(found.mse)
    outside = {
        "encoder": float(np.mean(np.abs(comparison.codes["BiGAN"]) > 1)),
        "search": float(np.mean(np.abs(found.codes) > 1)),
    }
    comparison.results["search"] = {
        "images": len(sought),
        "encoder": by_encoder.row("mse") | {"ms_per_code": per_code},
        "search": by_search.row("mse") | {"ms_per_code": 1e3 * found.seconds / len(sought)},
        "outside_of_prior": outside,
    }
    count = min(_SHOWN, len(sought))
    sheet = {
        "VAE input": comparison.images["VAE"],
        "VAE": restored["VAE"],
        "BiGAN input": sought,
        "BiGAN, E then G": restored["BiGAN"],
        "BiGAN, search": found.images,
    }
    comparison.figure(
        "restored",
        plots.picture_table(
            np.stack([pictures[:count] for pictures in sheet.values()]),
            list(sheet),
            title="Test images, given back",
        ),
        "Each column is a test image: as the VAE sees it and gives it back, as the BiGAN sees it "
        "and gives it back, and the nearest image that a search finds in the BiGAN's generator.",
    )
    comparison.finding(
        f"For {len(sought)} images a search in the BiGAN's generator ({_STARTS} starts, {_STEPS} "
        f"steps) gets a squared error of {by_search} where its encoder gets {by_encoder}, at "
        f"{1e3 * found.seconds / len(sought):.0f} ms an image against {per_code:.2g} ms. Of the "
        f"numbers of a code, {100 * outside['search']:.0f} % then lie outside of the prior's "
        f"[-1, 1], of the encoder's {100 * outside['encoder']:.0f} %."
    )


def _errors(restored: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Mean squared error of each image, (N,)."""
    return np.square(restored - images).mean(axis=(1, 2, 3))
