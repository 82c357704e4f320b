"""SavedModels in TensorBoard: one run folder a model, one event file a part."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import data as datasets
from tfgenxai.data.progress import counter
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.tensorboard import figures, numbers
from tfgenxai.tensorboard.embeddings import embeddings
from tfgenxai.tensorboard.network import network
from tfgenxai.tensorboard.projector import write_projector
from tfgenxai.tensorboard.subject import Subject
from tfgenxai.tensorboard.summaries import Summaries

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel

# Signatures that are shown images.
_SEEING = ("encode", "reconstruct", "discriminate", "classify")
SIZE = 1000
"""Images and codes in the projector, unless another number is asked for."""


@dataclass
class Run:
    """A model's folder in TensorBoard as it is written.

    Attributes:
        name: the model's, and the folder's.
        folder: takes events and embeddings.
        card: the model card; empty without one.
        written: part -> tags, or names of embeddings, in the order they were written.
        skipped: tag -> why this model has no such thing.
    """

    name: str
    folder: Path
    subject: Subject
    data: ImageData | None
    card: dict[str, Any]
    written: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def each(self, part: str, makers: dict[str, Callable[[], Any]]) -> Iterator[tuple[str, Any]]:
        """What the makers make; what does not fit the model is skipped."""
        for tag, make in makers.items():
            try:
                made = make()
            except (LayerNotFoundError, UsageError) as error:
                self.skipped[tag] = str(error)
                continue
            yield tag, made
            self.written.setdefault(part, []).append(tag)


def log_model(
    model: SavedModel,
    logdir: str | Path,
    *,
    data: ImageData | None = None,
    classifier: Graph | None = None,
    what: Sequence[str] = (),
    size: int = SIZE,
    seed: int = 0,
    progress: bool = False,
) -> Run:
    """Writes the run `logdir/NAME` of a SavedModel; parts that are there already are replaced.

    Args:
        model: as `tfgenxai.load` gives it.
        data: images to show it; not needed for a model that takes none.
        classifier: a graph with `probabilities`, which labels what a generator draws.
        what: names of `PARTS`; by default all.
        size: images, at most, and codes of a generator.
        seed: of codes that are drawn.
        progress: show a bar on stderr.

    Raises:
        UsageError: an unknown part, or images are needed and none are given.
        InvalidInputError: the images do not fit the model.
    """
    if unknown := [part for part in what if part not in PARTS]:
        raise UsageError(f"There is no part {unknown[0]!r}; choose from {', '.join(PARTS)}.")
    if data is None and takes_images(model):
        raise UsageError(f"{model.path} takes images: give some as data=.")
    chosen = [part for part in PARTS if part in what or not what]
    shown = None if data is None else model.as_trained(data[:size])
    subject = Subject(
        model,
        np.zeros((0,)) if shown is None else shown.images,
        None if shown is None else shown.labels,
        classifier,
        count=size,
        seed=seed,
    )
    run = Run(model.path.name, Path(logdir) / model.path.name, subject, shown, model.card or {})
    with counter(run.name, len(chosen), progress) as done:
        for part in chosen:
            PARTS[part](run)
            done(1)
    return run


def takes_images(model: SavedModel) -> bool:
    """Whether a signature is to be shown images."""
    return any(name in model for name in _SEEING)


def images_for(
    model: SavedModel,
    *,
    name: str | None = None,
    source: str | None = None,
    folder: Path | None = None,
    size: int | None = None,
    progress: bool = False,
) -> ImageData | None:
    """Test images of the data set of that name, or of the one that the model was trained on.

    None for a model that takes no images.

    Args:
        size: so many images; by default `SIZE`, or all of a folder.

    Raises:
        UsageError: no data set is named, here or on the model's card.
        DataNotFoundError: the data set, or so many images of it, is not to be had here.
    """
    if not takes_images(model):
        return None
    name = name or ("folder" if folder else model.trained_on.get("name"))
    if name is None:
        raise UsageError(f"{model.path} has no card that names its data: add --data or --folder.")
    graph = next(model[signature] for signature in _SEEING if signature in model)
    sides = next(iter(graph.inputs.values())).shape.as_list()[1:3]
    return datasets.load_to_fit(
        name,
        sides,
        source=source,
        folder=folder,
        size=SIZE if size is None and name != "folder" else size,
        progress=progress,
    )


def log_projector(run: Run) -> None:
    """Codes with labels and thumbnails, and a text on what they are."""
    made = dict(run.each("projector", embeddings(run.subject, run.data)))
    if not made:
        return
    with _events(run, "projector") as log:
        for name, found in made.items():
            log.text(f"projector/{name}", found.about)
    for name, found in made.items():
        columns = dict(found.columns)
        labels = columns.pop("label", None)
        write_projector(
            run.folder, name, found.codes, images=found.images, labels=labels, metadata=columns
        )


def log_pictures(part: str, makers: Callable[[Subject], figures.Pictures]) -> Callable[[Run], None]:
    """A part that consists of pictures."""

    def log_part(run: Run) -> None:
        pictures = makers(run.subject)
        if not pictures:
            return
        with _events(run, part) as log:
            for tag, picture in run.each(part, pictures):
                if isinstance(picture, np.ndarray):
                    log.images(tag, picture, step=0)
                else:
                    log.figure(tag, picture, step=0)

    return log_part


def log_metrics(run: Run) -> None:
    """The card's metrics, and the training's of every epoch."""
    measured, epochs = numbers.metrics(run.card), list(numbers.history(run.card))
    if not measured and not epochs:
        return
    with _events(run, "metrics") as log:
        log.scalars(measured, step=0)
        for epoch, values in epochs:
            log.scalars(values, step=epoch)
    tags = dict.fromkeys(tag for _, values in epochs for tag in values)
    run.written["metrics"] = [*measured, *tags]


def log_hparams(run: Run) -> None:
    """The settings that the model was trained with."""
    settings = numbers.settings(run.name, run.card)
    with _events(run, "hparams") as log:
        log.hparams(settings, name=run.name)
    run.written["hparams"] = list(settings)


def log_graph(run: Run) -> None:
    """All signatures as one graph, without those that double another."""
    names = [name for name in run.subject.graphs if name != "serving_default"]
    graphs = {name: run.subject.graphs[name] for name in names or run.subject.graphs}
    with _events(run, "graph") as log:
        log.graph(network(graphs))
    run.written["graph"] = list(graphs)


PARTS: dict[str, Callable[[Run], None]] = {
    "heatmaps": log_pictures("heatmaps", figures.heatmaps),
    "traversals": log_pictures("traversals", figures.traversals),
    "samples": log_pictures("samples", figures.samples),
    "metrics": log_metrics,
    "hparams": log_hparams,
    "graph": log_graph,
    "projector": log_projector,
}
"""What can be logged of a model."""


@contextmanager
def _events(run: Run, part: str) -> Iterator[Summaries]:
    """The log of a part, which replaces an earlier one when it is whole."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=run.folder, prefix=".unfinished.") as unfinished:
        with Summaries(unfinished) as log:
            yield log
        for events in Path(unfinished).iterdir():
            events.replace(run.folder / f"events.out.tfevents.0.tfgenxai-{part}")
