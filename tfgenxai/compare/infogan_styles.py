"""Which styles the category makes once the digit is asked for by its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.infogan_codes import drawn_codes, read_back
from tfgenxai.compare.untrained import untrained
from tfgenxai.latent.codes import CodeParts, category_codes, read_codes
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.codes import hungarian_accuracy
from tfgenxai.metrics.features import read
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.strokes import stroke_measures
from tfgenxai.metrics.styles import style_share

if TYPE_CHECKING:
    from tfgenxai.compare.infogan import InfoGanCodes

_READ = 1_000
#: Noise with which every pair of label and category is drawn.
_DRAWS = 6
#: Real images whose strokes are measured.
_REAL = 1_000
#: From this adjusted Rand index on, categories are said to go with the digits.
_AGAIN = 0.1


def add_styles(comparison: InfoGanCodes) -> None:
    """Every label with every category: pictures, and the share of the strokes that it explains."""
    model, seed = comparison.info_cgan, comparison.seed
    generator, parts = Generator.of(model), CodeParts.of(model)
    comparison.section(
        "Styles, once the label is given",
        "The conditional GAN with the same codes draws the digit that its label asks for. The "
        "category is then free to stand for something else, and Q, which sees the label too, has "
        "to find it in how the digit is written.",
    )
    base = generator.codes(_DRAWS, np.random.default_rng(seed))
    codes = category_codes(parts, base)
    labels = np.arange(generator.classes)
    images = np.stack([generator.images(codes, int(label)) for label in labels])
    comparison.figure(
        "styles",
        plots.picture_table(
            images[:, :, 0],
            [f"label {label}" for label in labels],
            [str(category) for category in range(parts.categories)],
            title="InfoGAN codes on the conditional GAN",
            x="a column is a category; noise and continuous codes are the same in all images",
        ),
        "A row is a label, a column a category. A style is what a column has in common.",
    )
    cell = (len(labels), parts.categories, _DRAWS)
    asked = np.broadcast_to(labels[:, None, None], cell).ravel()
    category = np.broadcast_to(np.arange(parts.categories)[:, None], cell).ravel()
    flat = images.reshape(-1, *images.shape[3:])
    rows = _shares(flat, category, asked, seed)
    seen = read(comparison.subjects.classifier["classify"], flat).votes
    kept = interval(seen == asked)
    reading = read_back(model["infer"], parts, *drawn_codes(generator, _READ, seed))
    comparison.results["styles"] = {
        "drawn": rows,
        "images": len(flat),
        "label_seen": kept.row("share"),
        "reading": reading,
    }
    comparison.table(
        "styles",
        rows,
        f"Share of the variance of each measure within a label that the category explains, over "
        f"{len(flat)} drawn images; chance: categories shuffled within each label, their mean and "
        "what 95 % of the shuffles stay below. Spread: standard deviation within labels, in pixels "
        "or degrees: how much there is to explain.",
    )
    comparison.finding(
        f"With a label, Q reads the category back in {100 * reading['accuracy']:.1f} % of "
        f"{_READ:,} of the generator's images (at least {reading['nats']:.2f} of "
        f"{reading['possible_nats']:.2f} nats), and the classifier sees the digit asked for in "
        f"{100 * kept.mean:.1f} % of {kept.count} images of all categories."
    )
    comparison.finding(f"Within a label {_explained(rows, 'drawn images')}")


def add_real_styles(comparison: InfoGanCodes) -> None:
    """The category that Q reads from real digits: whether it is the digit again, or a style."""
    count, seed = min(_REAL, len(comparison.images)), comparison.seed
    images, labels = comparison.images[:count], comparison.labels[:count]
    logits, _ = read_codes(comparison.info_cgan["infer"], images, labels)
    votes = logits.argmax(axis=1)
    rows = _shares(images, votes, labels, seed)
    random, _ = read_codes(untrained(comparison.info_cgan["infer"], seed), images, labels)
    controls = _shares(images, random.argmax(axis=1), labels, seed)
    for row, control in zip(rows, controls, strict=True):
        row["share_untrained"] = control["share"]
    about = hungarian_accuracy(
        votes, labels, categories=logits.shape[1], classes=int(labels.max()) + 1, seed=seed
    )
    comparison.results["real_styles"] = {"real": rows, "images": count} | about.row()
    drawn = comparison.results["styles"]["drawn"]
    comparison.figure(
        "style-shares",
        plots.matrix(
            np.array(
                [
                    [one["share"], one["chance"], other["share"], other["share_untrained"]]
                    for one, other in zip(drawn, rows, strict=True)
                ]
            ),
            [row["measure"] for row in rows],
            ["drawn", "chance", "real", "untrained Q"],
            title="What the category explains within a label",
            label="share of variance",
            limits=(0.0, 1.0),
        ),
        "Left: drawn images and the category that they were drawn with. Right: "
        f"{count:,} real test digits and the category that Q reads, given their label. Chance: "
        "categories shuffled within each label. A network with random weights also puts alike "
        "images into one category; the last column says how far.",
    )
    comparison.table(
        "real-styles",
        rows,
        f"The same shares for {count:,} real test digits, by the category that Q reads, and by the "
        "one that Q with random weights reads.",
    )
    again = "goes with the digit" if about.ari >= _AGAIN else "is not the digit again"
    comparison.finding(
        f"On {count:,} real digits the category that Q reads beside the label {again} (adjusted "
        f"Rand index {about.ari:.2f}); within a label {_explained(rows, 'real digits')} Q with "
        f"random weights: {_listed(controls)}."
    )


def _shares(
    images: np.ndarray, categories: np.ndarray, labels: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """A row a measure of strokes: what the category explains of it within a label."""
    return [
        {"measure": name, **style_share(values, categories, labels, seed=seed).row()}
        for name, values in stroke_measures(images).items()
    ]


def _explained(rows: list[dict[str, Any]], what: str) -> str:
    """The measures that the category explains beyond chance, in a sentence's end."""
    beyond = sorted(
        (row for row in rows if row["beyond_chance"]), key=lambda row: row["share"], reverse=True
    )
    if not beyond:
        return f"the category explains no measure of the strokes of {what} beyond chance."
    return (
        f"the category explains, of the variance between {what}: {_listed(beyond)}"
        f"{'' if len(beyond) == len(rows) else '; of the other measures no more than chance'}."
    )


def _listed(rows: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{row['measure']} {100 * row['share']:.0f} % (chance {100 * row['chance']:.0f} %)"
        for row in rows
    )
