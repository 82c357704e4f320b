"""What goes to TensorBoard's scalar, image, text and hyper-parameter pages."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import make_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Summaries:
    """A log folder of TensorBoard: `with Summaries("runs/cvae") as log: log.scalars(...)`.

    Everything is on disk when the `with` block ends.
    """

    def __init__(self, logdir: str | os.PathLike[str]) -> None:
        import tensorflow as tf

        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(os.fspath(logdir))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def flush(self) -> None:
        """Put what was logged on disk now, for a log that stays open."""
        self._writer.flush()

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """One number for each name.

        Raises:
            InvalidInputError: A value that is not one number; NaN and infinity are logged.
        """
        with self._writer.as_default():
            for name, value in values.items():
                if np.size(value) != 1:
                    raise InvalidInputError(
                        f"The scalar '{name}' must be one number; it has shape {np.shape(value)}."
                    )
                self._summary.scalar(name, np.asarray(value, np.float64).item(), step=step)

    def histogram(self, name: str, values: np.ndarray, step: int) -> None:
        """How the values, an array of any shape, are distributed."""
        with self._writer.as_default():
            self._summary.histogram(name, np.asarray(values, np.float32).ravel(), step=step)

    def images(
        self, name: str, images: np.ndarray, step: int, *, columns: int | None = None
    ) -> None:
        """Images (N, H, W[, C]) in [0, 1], tiled into one picture."""
        with self._writer.as_default():
            self._summary.image(name, make_grid(images, columns)[None], step=step)

    def figure(self, name: str, figure: Figure, step: int) -> None:
        """A figure as it is saved."""
        from PIL import Image

        from tfgenxai.plots.style import png

        with Image.open(io.BytesIO(png(figure))) as shown:
            pixels = np.asarray(shown.convert("RGB"))
        with self._writer.as_default():
            self._summary.image(name, pixels[None], step=step)

    def text(self, name: str, markdown: str, step: int = 0) -> None:
        """A text, shown as Markdown."""
        with self._writer.as_default():
            self._summary.text(name, markdown, step=step)

    def graph(self, graph: Any) -> None:
        """A `tf.Graph` or GraphDef, for the Graphs page."""
        with self._writer.as_default():
            self._summary.graph(graph)

    def hparams(
        self,
        settings: Mapping[str, bool | float | str],
        metrics: Mapping[str, float] | None = None,
        *,
        step: int = 0,
        name: str | None = None,
    ) -> None:
        """The settings of this run, and what they reached, for the HParams page.

        Runs of one `name` are trials of one row; by default, runs of the same settings are.
        """
        from tensorboard.plugins.hparams import api

        with self._writer.as_default():
            api.hparams(dict(settings), trial_id=name)
        self.scalars(metrics or {}, step)
