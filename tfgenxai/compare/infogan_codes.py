"""What an InfoGAN's codes do to its own images, and how well they are read back from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.clustering import by_digit
from tfgenxai.compare.infogan_category import category_names
from tfgenxai.latent.codes import WALK, CodeParts, code_grid, code_walk, read_codes
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.directions.naming import name_directions
from tfgenxai.metrics.codes import category_information, continuous_information, hungarian_accuracy
from tfgenxai.metrics.features import read
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.infogan import InfoGanCodes
    from tfgenxai.graph import Graph
    from tfgenxai.latent.generator import Generator

_DRAWN, _COLUMNS = 1_000, 12
#: Of the walks along continuous codes: codes, steps of each, and how far from where it was drawn.
_MOVED, _STEPS, _REACH = 60, 5, 1.0
#: Single coordinates of the noise, which are moved as far, to compare with.
_CONTROLS = 3


def add_reading(comparison: InfoGanCodes) -> None:
    """What Q reads back from drawn images, and which digit a classifier sees in a category."""
    comparison.section(
        "Are the codes in the drawn images?",
        f"{_DRAWN:,} images are drawn with known codes, and Q says which. What it reads back is a "
        "lower bound on how much the images tell of the code, in nats: of a category they can tell "
        "at most the logarithm of the number of categories.",
    )
    generator, parts = comparison.generator, comparison.parts
    drawn = drawn_codes(generator, _DRAWN, comparison.seed)
    found = read_back(comparison.infogan["infer"], parts, *drawn)
    seen = read(comparison.subjects.classifier["classify"], drawn[2]).votes
    digit = hungarian_accuracy(
        parts.category(drawn[0]), seen, categories=parts.categories, seed=comparison.seed
    )
    comparison.results["reading"] = found | digit.accuracy.row("digit_of_category")
    comparison.table(
        "reading",
        reading_rows(found),
        f"Codes read back by Q from {_DRAWN:,} of the generator's own images. Of a continuous "
        "code: the correlation of what was said and what was read; the bound takes Q for a "
        "Gaussian about what it reads, with the variance of its errors.",
    )
    comparison.finding(
        f"From its own images Q reads the category in {100 * found['accuracy']:.1f} % of "
        f"{_DRAWN:,} cases: at least {found['nats']:.2f} of {np.log(parts.categories):.2f} nats. "
        f"The classifier sees one and the same digit per category in "
        f"{100 * digit.accuracy.mean:.1f} % {_ends(digit.accuracy)}."
    )


def add_grid(comparison: InfoGanCodes) -> None:
    """Every category with the same noise."""
    images = code_grid(comparison.generator, comparison.parts, draws=_COLUMNS, seed=comparison.seed)
    comparison.figure(
        "categories",
        plots.picture_table(
            images[by_digit(comparison.matching)],
            category_names(comparison.matching),
            title="InfoGAN: the category",
            x="noise and continuous codes, the same in a column",
        ),
        "A row is a category, with the real digit that Q reads as it most often; a column has "
        "all else in common.",
    )


def add_values(comparison: InfoGanCodes) -> None:
    """What continuous codes change, measured on the strokes, beside coordinates of the noise."""
    generator, parts, seed = comparison.generator, comparison.parts, comparison.seed
    names = category_names(comparison.matching)
    comparison.section(
        "What the continuous codes change",
        f"Each of {_MOVED} drawn codes is moved from where it was drawn by up to {_REACH:g} either "
        "way, in one number alone, and the strokes of the images are measured (Castro et al. "
        f"2019). {_CONTROLS} single coordinates of the noise, moved as far, are the control.",
    )
    for index in range(parts.continuous):
        walk = code_walk(generator, parts, index, seed=seed)
        comparison.figure(
            f"walk-{index}",
            plots.picture_table(
                walk[by_digit(comparison.matching)],
                names,
                [f"{value:+.1f}" for value in WALK],
                title=f"InfoGAN: continuous code {index}",
            ),
            f"The continuous code {index} from {WALK[0]:g} to {WALK[-1]:g}, all else the same in "
            "all images but the category. It was drawn from -1 to 1: the outer images are where "
            "the generator has never been.",
        )
    found = effects(
        generator,
        coordinates(parts),
        comparison.subjects.classifier["classify"],
        count=_MOVED,
        reach=_REACH,
        steps=_STEPS,
        seed=seed,
        progress=False,
    )
    _add_effects(comparison, found)


def coordinates(parts: CodeParts) -> Directions:
    """Every continuous code as a direction, then the first coordinates of the noise."""
    first = parts.noise + parts.categories
    codes = range(parts.continuous)
    noise = range(min(_CONTROLS, parts.noise))
    names = [f"code {i}" for i in codes] + [f"noise {i}" for i in noise]
    places = [first + i for i in codes] + list(noise)
    return Directions(np.eye(parts.width, dtype=np.float32)[places], "coordinates", tuple(names))


def drawn_codes(
    generator: Generator, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Codes (N, d) of the prior, labels (N,) or None, and their images."""
    codes, labels = generator.codes(count, np.random.default_rng(seed)), generator.labels(count)
    return codes, labels, generator.images(codes, labels)


def read_back(
    infer: Graph, parts: CodeParts, codes: np.ndarray, labels: Any, images: np.ndarray
) -> dict[str, Any]:
    """How well Q reads `codes` (N, d) from their `images`: accuracy, nats, correlations."""
    logits, means = read_codes(infer, images, labels)
    category, values = parts.category(codes), parts.values(codes)
    correlations = [
        float(np.corrcoef(said, heard)[0, 1]) for said, heard in zip(values.T, means.T, strict=True)
    ]
    return {
        **interval(logits.argmax(axis=1) == category).row("accuracy"),
        **category_information(logits, category).row("nats"),
        "possible_nats": float(np.log(parts.categories)),
        "continuous_correlation": correlations,
        "continuous_nats": continuous_information(values, means).tolist(),
        "images": len(images),
    }


def reading_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A row of a table for each part of the code, of what `read_back` gives."""
    category = {
        "code": "category",
        "measure": "accuracy",
        "read": found["accuracy"],
        "low": found["accuracy_low"],
        "high": found["accuracy_high"],
        "nats, at least": found["nats"],
    }
    pairs = zip(found["continuous_correlation"], found["continuous_nats"], strict=True)
    return [category] + [
        {"code": f"code {i}", "measure": "correlation", "read": read, "nats, at least": nats}
        for i, (read, nats) in enumerate(pairs)
    ]


def _add_effects(comparison: InfoGanCodes, found: Effects) -> None:
    frame = found.frame().assign(changes=list(name_directions(found)))
    measures = list(found.measures)
    comparison.results["values"] = frame
    comparison.table(
        "values",
        frame,
        "Means over the codes. Rank: correlation of the measure with the code along the way. "
        "Effect: change from one end to the other, in standard deviations of drawn images. Class "
        "changed: share of codes where the classifier sees another digit on the way. Image "
        "distance: 1 is that of two draws. The file tables/values.csv has the intervals.",
        columns=[
            "direction",
            "changes",
            *(f"{name} effect" for name in measures),
            "class changed",
            "image distance",
        ],
    )
    comparison.figure(
        "effects",
        plots.matrix(
            frame[[f"{name} effect" for name in measures]].to_numpy(),
            list(frame["direction"]),
            measures,
            title="What moves with the continuous codes",
            label="change from end to end, in deviations",
        ),
        "Mean change of each measure from one end to the other, in standard deviations of drawn "
        "images; the rows of noise are the control.",
    )
    controls = frame[frame["direction"].str.startswith("noise")]
    for _, row in frame[frame["direction"].str.startswith("code")].iterrows():
        effect = {name: abs(row[f"{name} effect"]) for name in measures}
        strongest = max(effect, key=lambda name: effect[name])
        most = controls[f"{strongest} effect"].abs().max()
        comparison.finding(
            f"The continuous {row['direction']} changes the {strongest} most: by "
            f"{row[f'{strongest} effect']:+.1f} standard deviations from one end to the other "
            f"(coordinates of the noise: {most:.1f} at most), rank correlation "
            f"{row[f'{strongest} rank']:+.2f} [{row[f'{strongest} rank_low']:.2f}, "
            f"{row[f'{strongest} rank_high']:.2f}]; the digit changes on the way for "
            f"{100 * row['class changed']:.0f} % of {_MOVED} codes."
        )


def _ends(found: Any) -> str:
    return f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"
