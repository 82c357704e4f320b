"""The styles that excite a channel, the discriminator or the judge most, for one word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.words_sheet import read
from tfgenxai.neurons.layers import computed_layers
from tfgenxai.neurons.maximise import maximise
from tfgenxai.targets import Discriminator, Unit
from tfgenxai.words import Reading

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words
    from tfgenxai.targets import Target

_LAYER = "generator_up_1"
_CHANNELS = 2
_STEPS, _RESTARTS = 48, 4


def add_maxima(comparison: Words) -> None:
    """Climbs for the first of the shortest words: a row and a picture each."""
    material = comparison.material
    written = material.lengths[0]  # the shortest: random styles of a word cost most
    word, label = written.texts[0], written.label[0]
    graph = written.generate.with_inputs({"label": label})
    targets: dict[str, Target] = {"judge reads the word": Reading(label, model=written.recognise)}
    if written.discriminate is not None:
        targets["discriminator's logit"] = Discriminator(written.discriminate)
    channels = computed_layers(graph, [_LAYER])[_LAYER].shape[-1]
    for channel in range(min(_CHANNELS, channels)):
        targets[f"{_LAYER}, channel {channel}"] = Unit(_LAYER, channel)
    rows: list[dict[str, Any]] = []
    pictures = []
    for name, target in targets.items():
        found = maximise(
            graph,
            target,
            steps=_STEPS,
            restarts=_RESTARTS,
            prior=material.generator.prior,
            seed=material.seed,
            progress=False,
        )
        assert found.best_images is not None
        pictures.append(found.best_images[0])
        rows.append(
            {
                **found.table().to_dict("records")[0],
                "target": name,
                "typical": float(found.typical.mean()),
                "read": read(written, found.best_images, material.alphabet)[0],
            }
        )
    comparison.section(
        "What excites them most",
        f"Styles for the word {word} that climb a target; codes stay within the reach of the "
        "prior. The control is the best of as many random styles as the climb tried.",
    )
    comparison.figure(
        "maxima",
        plots.image_grid(
            np.stack([written.drawn[0], *pictures]),
            ["drawn at random", *targets],
            columns=1,
            title=f"{word}: styles that maximise",
        ),
        "The best of all restarts for each target.",
    )
    comparison.table(
        "maxima",
        rows,
        f"Best of {_RESTARTS} climbs of {_STEPS} steps, best of as many random styles, `gain` over "
        "that in standard deviations of random styles, and what the judge reads in the result.",
        columns=("target", "best", "random_best", "typical", "gain", "agreement", "read"),
    )
    comparison.results["maxima"] = {"word": word, "rows": rows}
    comparison.finding(
        f"Climbing the style of {word}: "
        + "; ".join(
            f"{row['target']} {row['best']:.3g} (best random {row['random_best']:.3g}, typical "
            f"{row['typical']:.3g}; read as {row['read'] or 'nothing'})"
            for row in rows
        )
        + "."
    )
