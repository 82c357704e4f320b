"""Style codes of a model of words: what each changes, beside single coordinates of the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.latent.word_codes import CONTROLS, VALUES, code_effects, style_coordinates
from tfgenxai.writing import Writer

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words

MEASURES = ("slant", "stroke width", "height", "width")


def add_codes(comparison: Words) -> None:
    """What continuous style codes change in words; nothing for a model without any."""
    material = comparison.material
    if "infer" not in material.model:
        return
    writer = Writer(material.model)
    coordinates = style_coordinates(writer)
    lengths = tuple(written.count for written in material.lengths)
    found = code_effects(
        writer, coordinates, words=material.total, lengths=lengths, seed=material.seed
    )
    frame = found.frame()
    names = [name for name in MEASURES if name in found.measures]
    comparison.section(
        "What style codes change",
        f"In each of {material.total} words one number of the style at a time takes {VALUES} "
        "values, all else the same: the continuous codes, which the discriminator learnt to read "
        f"back, and {CONTROLS} coordinates of the noise, which go through as much of their "
        "distribution.",
    )
    comparison.results["codes"] = frame
    comparison.table(
        "codes",
        frame,
        "Rank: mean over words of the rank correlation of the measure with the value. Correlation: "
        "over all images, with what differs between words in it. Effect: change from the lowest "
        "value to the highest, in standard deviations of words as they are drawn.",
        columns=[
            "coordinate",
            *(f"{name} {what}" for what in ("rank", "correlation", "effect") for name in names),
        ],
    )
    comparison.figure(
        "codes",
        plots.matrix(
            np.array([[row[f"{name} rank"] for name in names] for _, row in frame.iterrows()]),
            list(frame["coordinate"]),
            names,
            title="What style codes change in words",
            label="mean rank correlation",
            limits=(-1.0, 1.0),
        ),
        "The rows of z are the control.",
    )
    controls = frame[frame["coordinate"].str.startswith("z ")]
    for _, row in frame[frame["coordinate"].str.startswith("code ")].iterrows():
        effects = {name: abs(row[f"{name} effect"]) for name in names}
        strongest = max(effects, key=lambda name: np.nan_to_num(effects[name]))
        most = controls[f"{strongest} effect"].abs().max()
        comparison.finding(
            f"The continuous {row['coordinate']} changes the {strongest} most: by "
            f"{row[f'{strongest} effect']:+.1f} standard deviations over its range (coordinates of "
            f"the noise: {most:.1f} at most), rank correlation {row[f'{strongest} rank']:+.2f} "
            f"[{row[f'{strongest} rank_low']:.2f}, {row[f'{strongest} rank_high']:.2f}]."
        )
