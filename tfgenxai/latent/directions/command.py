"""From a model's name to its directions found, judged, measured and drawn, on disk."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.files import write_text
from tfgenxai.latent.classifier import find_classifier
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import effects
from tfgenxai.latent.directions.gif import save_gif
from tfgenxai.latent.directions.learn import COUNT, Learned
from tfgenxai.latent.directions.methods import find_directions
from tfgenxai.latent.directions.naming import name_directions
from tfgenxai.latent.directions.rca import Rca, rca
from tfgenxai.latent.directions.request import NO_CLASSIFIER, DirectionsRequest
from tfgenxai.latent.generator import Generator
from tfgenxai.latent.reader import find_reader
from tfgenxai.saved.read import load
from tfgenxai.saved.word import OneWord

if TYPE_CHECKING:
    import pandas

_SHOWN = 8  # directions in the figure of a method
_CODES, _SIZES = 2, 9  # rows and columns of each
_FRAMES, _BESIDE = 13, 8  # of a GIF: frames, and codes in each


@dataclass(frozen=True, eq=False)
class _Result:
    """What is known of the directions of one method, or of one file."""

    name: str
    directions: Directions
    frame: pandas.DataFrame
    rca: Rca | None

    def strongest(self) -> list[int]:
        """The directions that change images most, in order."""
        distances = self.frame["image distance"].to_numpy()
        return [int(k) for k in np.argsort(-distances, kind="stable")[:_SHOWN]]

    def json(self) -> dict[str, Any]:
        """JSON values; null for what is not known."""
        judged = None if self.rca is None else self.rca.row()
        if judged is not None and self.rca is not None:
            judged["recognised"] = self.rca.recognised.tolist()
        return _plain(
            {
                "method": self.directions.method,
                "about": dict(self.directions.about),
                "names": list(self.directions.names),
                "effects": self.frame.to_dict("records"),
                "rca": judged,
            }
        )


def directions(request: DirectionsRequest) -> dict[str, Any]:
    """Finds and measures as requested and writes `out`; gives the summary, JSON values.

    Files, for each method or applied file NAME: directions-NAME.npz (of what was found),
    directions-NAME.png and gifs/NAME-K.gif along the directions that change images most,
    effects-NAME.png and effects-NAME.csv, learning-NAME.png of what was trained; rca.csv and
    rca.png with `judge`; and results.json. Directions are written as soon as they are found, so
    that an interruption later loses none; Ctrl-C while they are learnt keeps what was learnt.

    Raises:
        TfgenxaiError: what was asked for is not there, or does not fit.
        KeyboardInterrupt: interrupted; directions found until then are on disk.
    """
    model = load(request.path, trusted=request.trusted)
    word = model.word if isinstance(model, OneWord) else None
    request = request.settled(words=word is not None)
    generator = Generator.of(model)
    classifier = None
    if request.classifier != NO_CLASSIFIER:
        classifier = find_classifier(model, request.classifier, trusted=request.trusted)
    reader = None
    if word is not None and request.recogniser != NO_CLASSIFIER:
        reader = find_reader(model, request.recogniser, trusted=request.trusted)
    request.shown_labels(generator, _BESIDE)
    applied = {path.stem: Directions.load(path) for path in request.apply}
    for each in applied.values():
        each.check_fits(generator)
    files: list[Path] = []
    results = []
    for name, found, learned in _found(request, generator, applied, files):
        measured = effects(
            generator,
            found,
            classifier,
            word=word,
            reader=reader,
            count=request.samples,
            reach=request.training.reach,
            seed=request.seed,
            progress=sys.stderr.isatty(),
        )
        named = found.renamed(name_directions(measured))
        if name not in applied:
            named.save(_path(request, name))
        judged = None
        if request.judge:
            judged = rca(generator, found, training=request.training, seed=request.seed)
        result = _Result(name, named, measured.frame().assign(direction=named.names), judged)
        results.append(result)
        files += _draw(request, generator, result, learned)
    return _write(request, generator, results, files)


def _found(
    request: DirectionsRequest,
    generator: Generator,
    applied: dict[str, Directions],
    files: list[Path],
) -> Iterator[tuple[str, Directions, Learned | None]]:
    """The directions of each method, kept as soon as they are there, and those of files."""
    for method in request.methods:
        found, learned = find_directions(
            generator, method, request.count or COUNT, training=request.training, seed=request.seed
        )
        about = {**found.about, "model": request.path}
        found = Directions(found.vectors, found.method, found.names, about)
        files.append(found.save(_path(request, method)))
        if learned is not None and not learned.finished:
            raise KeyboardInterrupt
        yield method, found, learned
    for name, found in applied.items():
        yield name, found, None


def _path(request: DirectionsRequest, name: str) -> Path:
    return request.out / f"directions-{name}.npz"


def _draw(
    request: DirectionsRequest, generator: Generator, result: _Result, learned: Learned | None
) -> list[Path]:
    """The figures of one method; gives their paths."""
    out, name, found = request.out, result.name, result.directions
    reach = request.training.reach
    codes = generator.codes(_BESIDE, np.random.default_rng(request.seed))
    labels = request.shown_labels(generator, _BESIDE)
    sizes = np.linspace(-reach, reach, _SIZES)
    few = None if labels is None else labels[:_CODES]
    shown = result.strongest()
    blocks = {
        f"{k}: {found.names[k]}": found.images(generator, codes[:_CODES], k, sizes, few)
        for k in shown
    }
    title = f"{Path(request.path).name}, {name}: the directions that change images most"
    figure = plots.image_blocks(blocks, [f"{size:+g}" for size in sizes], title=title)
    files = [plots.save(figure, out / f"directions-{name}.png")]
    for k in shown:
        frames = found.images(generator, codes, k, np.linspace(-reach, reach, _FRAMES), labels)
        moving = np.moveaxis(frames, 1, 0)
        height, width = frames.shape[2:4]
        columns = _BESIDE if width <= height else math.ceil(math.sqrt(_BESIDE * height / width))
        path = out / "gifs" / f"{name}-{k}.gif"
        files.append(save_gif(path, moving, columns=columns))
    files.append(write_text(out / f"effects-{name}.csv", result.frame.to_csv(index=False)))
    if any(str(column).endswith(" rank") or column == "class changed" for column in result.frame):
        rows = [f"{k}: {text}" for k, text in enumerate(found.names)]
        chart = plots.effect_chart(result.frame, rows, title=f"{name}: what directions change")
        files.append(plots.save(chart, out / f"effects-{name}.png"))
    if learned is not None:
        files.append(plots.save(_curve(name, learned), out / f"learning-{name}.png"))
    return files


def _curve(name: str, learned: Learned) -> Any:
    """The share of directions told while they were learnt, in at most 100 averages."""
    told = learned.history["accuracy"]
    parts = np.array_split(told, min(100, len(told)))
    ends = np.cumsum([len(part) for part in parts])
    chance = np.full(len(parts), 1 / len(learned.directions))
    return plots.curves(
        list(ends),
        {name: np.array([part.mean() for part in parts]), "chance": chance},
        title="Directions told apart while they are learnt",
        xlabel="steps",
        ylabel="accuracy on the training's own pairs",
        control="chance",
    )


def _write(
    request: DirectionsRequest, generator: Generator, results: list[_Result], files: list[Path]
) -> dict[str, Any]:
    """Writes what is said of all methods; gives the summary."""
    judged = {result.name: result.rca for result in results if result.rca is not None}
    table = [{"directions": name, **found.row()} for name, found in judged.items()]
    if judged:
        import pandas

        chance = max(found.chance for found in judged.values())
        figure = plots.rca_bars({n: r.accuracy for n, r in judged.items()}, chance)
        files.append(plots.save(figure, request.out / "rca.png"))
        text = pandas.DataFrame(table).to_csv(index=False)
        files.append(write_text(request.out / "rca.csv", text))
    summary = {
        "model": request.path,
        "width": generator.width,
        "classes": generator.classes,
        "samples": request.samples,
        "training": asdict(request.training),
        "seed": request.seed,
        "rca": table,
        "directions": {result.name: result.json() for result in results},
    }
    path = request.out / "results.json"
    summary["files"] = [str(file) for file in dict.fromkeys([*files, path])]
    write_text(path, json.dumps(summary, indent=2))
    return summary


def _plain(value: Any) -> Any:
    """The same without NaN and infinity, for which JSON has no word."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
