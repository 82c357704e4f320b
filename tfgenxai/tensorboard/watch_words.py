"""A Keras callback that reads what a model of words writes while it trains, after every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.metrics.words import by_length, decode, error_rates
from tfgenxai.models.reading import read
from tfgenxai.tensorboard.summaries import Summaries

if TYPE_CHECKING:
    from tfgenxai.data import ImageData

_MEASURED = 200  # words behind the numbers
_STYLES = 8  # shown, one a row
_TEXTS = 4  # shown, one a column


class WatchWords(keras.callbacks.Callback):
    """What a model that writes words draws, and whether its own recogniser can read it.

    After every epoch `written/character_error_rate` on up to 200 words with the texts of held-out
    ones, and `written/character_error_rate_real` on these held-out words themselves; and a picture
    `written/words` in which every row is a style and every column a text. The same texts and
    styles every time. Other models are left alone.

    Args:
        logdir: folder of the run.
        data: held-out words.
    """

    def __init__(self, logdir: Path, data: ImageData) -> None:
        super().__init__()
        self.logdir = logdir
        self.data = data[:_MEASURED]
        self.log: Summaries | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the styles, if the model writes."""
        if self.data.texts is None or "generate" not in self.model.export_signatures():
            return
        self.log = Summaries(self.logdir)
        self.texts = self.data.texts
        self.lengths = np.char.str_len(self.texts)
        shape = (len(self.texts), self.model.latent_dim)
        self.eps = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes and reads (Keras counts epochs from 0)."""
        if self.log is None:
            return
        drawn, real = np.empty(len(self.texts), object), np.empty(len(self.texts), object)
        for length, rows in by_length(self.lengths):
            characters = self.data.characters[rows, :length]
            drawn[rows] = self._read(self._written(self.eps[rows], characters))
            images = self.data.images[rows, :, : CHARACTER_WIDTH * length]
            real[rows] = self._read(tf.constant(images))
        numbers = {
            "character_error_rate": error_rates(self.texts, drawn).characters.mean,
            "character_error_rate_real": error_rates(self.texts, real).characters.mean,
        }
        self.log.scalars({f"written/{name}": value for name, value in numbers.items()}, epoch)
        self.log.images("written/words", self._picture(), epoch, columns=_TEXTS)
        self.log.flush()

    def _picture(self) -> np.ndarray:
        """Words of the longest length, row by row."""
        longest = int(self.lengths.max())
        rows = np.flatnonzero(self.lengths == longest)[:_TEXTS]
        characters = self.data.characters[np.resize(rows, _TEXTS), :longest]
        eps = np.repeat(np.resize(self.eps, (_STYLES, self.eps.shape[1])), _TEXTS, axis=0)
        return self._written(eps, np.tile(characters, (_STYLES, 1))).numpy()

    def _written(self, eps: np.ndarray, characters: np.ndarray) -> tf.Tensor:
        """Words (N, 32, 16 n, 1) float32 in [0, 1]."""
        assert self.model is not None
        return tf.cast(self.model.sample(tf.constant(eps), tf.constant(characters)), tf.float32)

    def _read(self, images: tf.Tensor) -> list[str]:
        assert self.model is not None
        return decode(read(self.model.read_logits(images)).numpy(), self.model.alphabet)
