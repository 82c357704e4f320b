"""Directions of a style: what they change in a word, and whether they do so in other words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.latent.directions.methods import find_directions
from tfgenxai.latent.directions.naming import name_directions
from tfgenxai.latent.directions.transfer import Transfer, of_word, transfer
from tfgenxai.latent.reader import Reader

if TYPE_CHECKING:
    import pandas

    from tfgenxai.compare.words import Words
    from tfgenxai.latent.generator import Generator

METHODS = ("ganspace", "sefa", "random")
FOLLOWED, REACH, STEPS, FEWEST = 10, 3.0, 3, 8
#: Of a style, which are spoken of.
MEASURES = ("slant", "stroke width", "height", "width per character", "area")
_PICTURED, _CODES, _SIZES = 3, 2, 7


def add_directions(comparison: Words) -> None:
    """Directions found on one word, measured there and on others, with random ones as control."""
    material = comparison.material
    home, others = _words(comparison)
    generator = of_word(material.model, home)
    followed = min(FOLLOWED, generator.width)
    reader = Reader.of(material.judge)
    count = max(FEWEST, material.total // 4)
    found: dict[str, Transfer] = {}
    for method in METHODS:
        ways = find_directions(generator, method, followed, seed=material.seed).directions
        found[method] = transfer(
            material.model,
            ways,
            home,
            [home, *others],
            reader=reader,
            count=count,
            reach=REACH,
            steps=STEPS,
            seed=material.seed,
        )
    comparison.section(
        "Directions of style, and whether they hold for other words",
        f"{followed} directions are found on the word {home!r}: by GANSpace, by SeFa on the "
        "filters and the conditional normalisations, and at random. Along each, "
        f"{count} styles of each word are moved by up to {REACH:g} either way. Whoever finds a "
        "direction on one word wants it for all: effects on others are compared with those at "
        f"home. The same word with other styles is the ceiling; what 95 % of shuffled directions "
        "stay below is the control.",
    )
    _add_home(comparison, home, generator, found)
    _add_others(comparison, home, others, found)


def _words(comparison: Words) -> tuple[str, list[str]]:
    """The word that directions are found on, and one of each other length."""
    texts = [list(dict.fromkeys(written.texts)) for written in comparison.material.lengths]
    first, *rest = texts[0]
    return first, [*rest[:1], *(each[0] for each in texts[1:])]


def _add_home(
    comparison: Words, home: str, generator: Generator, found: dict[str, Transfer]
) -> None:
    """What each direction changes in the word that it was found on."""
    rows = []
    names: dict[str, tuple[str, ...]] = {}
    for method, moved in found.items():
        names[method] = name_directions(moved.home)
        frame = moved.home.frame().assign(changes=names[method])
        rows += [{"directions": method, "K": k, **row} for k, row in enumerate(_records(frame))]
    comparison.results["directions"] = {"home": home, "effects": rows}
    comparison.table(
        "direction-effects",
        rows,
        f"Changes of {home!r} from end to end, in standard deviations of what is drawn; `text "
        "lost`: share of the words read rightly that are not so all along the way; image distance: "
        "1 is that of two draws. The file has ranks, slopes and intervals.",
        columns=[
            *("directions", "K", "changes", "image distance", "text lost"),
            *(f"{name} effect" for name in MEASURES),
        ],
    )
    for method in METHODS[:2]:
        effects = found[method].home
        own = [row for row in rows if row["directions"] == method]
        codes = generator.codes(_CODES, np.random.default_rng(comparison.material.seed))
        sizes = np.linspace(-REACH, REACH, _SIZES)
        blocks = {
            f"{k}: {names[method][k]}": effects.directions.images(generator, codes, k, sizes)
            for k in _strongest(own)
        }
        comparison.figure(
            f"directions-{method}",
            plots.image_blocks(
                blocks, [f"{size:+g}" for size in sizes], title=f"{home}: directions, {method}"
            ),
            f"Two styles of {home!r} along the directions ({method}) that change its measures "
            "most, named by what they were measured to change.",
        )
    for method in found:
        own = [row for row in rows if row["directions"] == method]
        slant = np.nan_to_num([row["slant effect"] for row in own])
        said = (
            f"Of {len(own)} directions on {home!r} ({method}), the one that leans it most does so "
            f"by {np.abs(slant).max():.1f} standard deviations from end to end"
        )
        lost = np.array([row["text lost"] for row in own])
        if np.isfinite(lost).any():
            said += (
                f"; on average {100 * np.nanmean(lost):.0f} % of the words that are read rightly "
                f"lose their text on the way ({100 * np.nanmax(lost):.0f} % along the worst)"
            )
        comparison.finding(f"{said}.")


def _records(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _strongest(rows: list[dict[str, Any]]) -> list[int]:
    """The directions with the largest effect on a measure of style, for some measures."""
    sizes = [np.abs(np.nan_to_num([row[f"{name} effect"] for row in rows])) for name in MEASURES]
    best = [int(each.argmax()) for each in sizes]
    return list(dict.fromkeys(best))[:_PICTURED]


def _add_others(
    comparison: Words, home: str, others: list[str], found: dict[str, Transfer]
) -> None:
    """How far effects on other words are those at home."""
    rows = []
    for method, moved in found.items():
        rows += [{"directions": method, **row} for row in _records(moved.frame())]
        for word, each in moved.others.items():
            lost = np.ma.masked_invalid(each.text_lost()).mean()
            share = float(np.ma.filled(lost, np.nan))
            rows.append({"directions": method, "word": word, "measure": "text lost", "mean": share})
    comparison.results["directions"]["other words"] = rows
    comparison.table(
        "direction-transfer",
        rows,
        "Over the directions: correlation of a measure's change on the word with that on "
        f"{home!r}, what 95 % of shuffles stay below, how often it has the same sign, and the "
        "slope (1: the same change in the measure's unit). `text lost` is a mean over directions.",
    )
    correlation = {
        (row["directions"], row["word"], row["measure"]): row["correlation"]
        for row in rows
        if "correlation" in row
    }
    for method in METHODS[:2]:
        words = [home, *others]
        values = [
            [correlation.get((method, word, name), np.nan) for name in MEASURES] for word in words
        ]
        comparison.figure(
            f"transfer-{method}",
            plots.matrix(
                np.array(values),
                [f"{home}, other styles", *others],
                list(MEASURES),
                title=f"Effects on other words, {method}",
                label="correlation",
                limits=(-1.0, 1.0),
            ),
            f"Directions found on {home!r}. The first row, the same word in other styles, is the "
            "ceiling.",
        )
        away = np.ma.filled(np.ma.masked_invalid(values[1:]).mean(axis=0), np.nan)
        told = [
            f"{name} {there:.2f} (same word {here:.2f})"
            for name, there, here in zip(MEASURES, away, values[0], strict=True)
            if np.isfinite([there, here]).all()
        ]
        comparison.finding(
            f"Directions found on {home!r} ({method}), correlation of their effects on other words "
            f"with those at home: {', '.join(told) or 'none is defined'}."
        )
