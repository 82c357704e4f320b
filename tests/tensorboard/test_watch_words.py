"""Watching a model of words: what it writes is read, and shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.metrics.handwriting import ALPHABET, reader, real_words, writer
from tfgenxai.errors import UsageError
from tfgenxai.tensorboard.watch import Watch, watch
from tfgenxai.tensorboard.watch_words import WatchWords

HELD_OUT = real_words(60, 3)


class Writing:
    """A model that writes every `wrong` as the digit after it, and reads all rightly."""

    alphabet = ALPHABET
    latent_dim = 2

    def __init__(self, wrong: int | None = None, *, writes: bool = True) -> None:
        self.wrong = wrong
        self.signatures = {"recognise": None, **({"generate": None} if writes else {})}

    def export_signatures(self) -> dict[str, None]:
        return self.signatures

    def sample(self, eps: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        if self.wrong is not None:
            label = tf.where(label == self.wrong, label + 1, label)
        return writer(eps, label)

    def read_logits(self, images: tf.Tensor) -> tf.Tensor:
        """Each character and a blank after it, blanks where the word has ended."""
        path = tf.reshape(tf.one_hot(reader(images)["text"] + 1, 11), (len(images), -1, 1, 11))
        blank = tf.broadcast_to(tf.one_hot(0, 11), tf.shape(path))
        return tf.reshape(tf.concat([path, blank], axis=2), (len(images), -1, 11))


def watched(model, folder) -> EventAccumulator:
    callback = WatchWords(folder, HELD_OUT)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_end(epoch)
    log = EventAccumulator(str(folder), {"tensors": 0})
    return log.Reload()


def test_what_is_written_is_read_by_the_models_own_recogniser(tmp_path):
    log = watched(Writing(wrong=7), tmp_path)
    wrong = sum(text.count("7") for text in HELD_OUT.texts) / sum(map(len, HELD_OUT.texts))
    for name, expected in (("", wrong), ("_real", 0.0)):
        events = log.Tensors(f"written/character_error_rate{name}")
        assert [event.step for event in events] == [0, 1]
        assert tf.make_ndarray(events[1].tensor_proto) == pytest.approx(expected)


def test_a_row_of_the_picture_is_a_style(tmp_path):
    log = watched(Writing(), tmp_path)
    _, _, png = tf.make_ndarray(log.Tensors("written/words")[1].tensor_proto)
    shown = np.asarray(Image.open(io.BytesIO(png)))[..., 0]
    assert shown.shape == (8 * 33 - 1, 4 * 65 - 1)
    texts = [text for text in HELD_OUT.texts if len(text) == 4][:4]
    styles = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)
    for row in range(8):
        for column, text in enumerate(texts):
            label = np.array([[ALPHABET.index(character) for character in text]])
            expected = np.round(255 * writer(styles[[row]], label)[0, :, :, 0])
            tile = shown[33 * row : 33 * row + 32, 65 * column : 65 * column + 64]
            np.testing.assert_array_equal(tile, expected)


def test_a_recogniser_writes_nothing(tmp_path):
    callback = WatchWords(tmp_path / "log", HELD_OUT)
    callback.set_model(Writing(writes=False))
    callback.on_train_begin()
    callback.on_epoch_end(0)
    assert not (tmp_path / "log").exists()


def test_the_watch_of_other_models_leaves_words_alone(tmp_path):
    callbacks = watch()(tmp_path, HELD_OUT)
    assert [type(callback) for callback in callbacks] == [Watch, WatchWords]
    callbacks[0].set_model(Writing())
    callbacks[0].on_train_begin()
    callbacks[0].on_epoch_end(0)
    assert not list(tmp_path.iterdir())
    (with_latents, _) = watch([0])(tmp_path, HELD_OUT)
    with_latents.set_model(Writing())
    with pytest.raises(UsageError, match="encodes nothing"):
        with_latents.on_train_begin()
