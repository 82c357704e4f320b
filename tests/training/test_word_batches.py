"""Batches of words: one length each, an order that depends on the epoch alone."""

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError
from tfgenxai.models import scrabble_networks as networks
from tfgenxai.training import Settings, train
from tfgenxai.training.word_batches import held_out_words, word_batches, word_steps

pytestmark = pytest.mark.usefixtures("determinism_ends_with_the_test")
TINY = networks.Size(1, (8, 8, 8, 8), (8, 8, 8, 8), (1, 1, 1, 1, 1, 1, 1), 1)


def words(lengths, seed=0):
    """Words of random letters; the first pixel of each says which it is."""
    rng = np.random.default_rng(seed)
    texts = np.array(["".join(rng.choice(list("abc"), n)) for n in lengths])
    pixels = rng.integers(0, 256, (len(texts), 32, 16 * max(lengths), 1)).astype(np.uint8)
    pixels[:, 0, 0, 0] = np.arange(len(texts))
    return ImageData("words", "train", pixels, "drawn", "", class_names=tuple("abc"), texts=texts)


def test_every_batch_holds_words_of_one_length_with_their_characters():
    data = words([1] * 7 + [2] * 5 + [4] * 9)
    batches = list(word_batches(data, batch_size=2, seed=0, epochs=range(1)))
    assert len(batches) == word_steps(data, 2) == 3 + 2 + 4
    seen = []
    for images, characters in batches:
        length = characters.shape[1]
        assert images.shape == (2, 32, 16 * length, 1) and images.dtype == tf.float32
        which = np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int)
        seen += which.tolist()
        for row, i in zip(characters.numpy(), which, strict=True):
            assert "".join("abc"[c] for c in row) == data.texts[i]
        expected = data.pixels[which, :, : 16 * length] / 255
        np.testing.assert_allclose(images, expected, atol=1e-6)
    assert len(set(seen)) == len(seen)  # none twice


def test_the_order_is_the_epochs_whatever_came_before():
    data = words([2] * 8 + [3] * 8)

    def order(epochs, seed=0):
        batches = word_batches(data, batch_size=4, seed=seed, epochs=epochs)
        return [tuple(np.rint(x.numpy()[:, 0, 0, 0] * 255)) for x, _ in batches]

    both = order(range(2))
    assert order(range(1)) + order(range(1, 2)) == both
    assert both[:4] != both[4:] and order(range(1), seed=1) != both[:4]


def test_a_rare_length_fills_a_batch():
    data = words([1] * 4 + [3])
    batches = list(word_batches(data, batch_size=4, seed=0, epochs=range(1)))
    assert sorted(characters.shape.as_list() for _, characters in batches) == [[4, 1], [4, 3]]


def test_held_out_words_come_once():
    data = words([1, 2, 1, 2, 2])
    batches = list(held_out_words(data, batch_size=2))
    assert [len(images) for images, _ in batches] == [2, 2, 1]
    which = [i for images, _ in batches for i in np.rint(images.numpy()[:, 0, 0, 0] * 255)]
    assert which == [0, 2, 1, 3, 4]


@pytest.fixture
def eager(monkeypatch):
    """Training of a tiny ScrabbleGAN without tracing, which would take longer than the steps."""
    monkeypatch.setitem(networks.SIZES, "tiny", TINY)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def settings(epochs=2, **config):
    config = {"size": "tiny", "attention": False, "continuous": 1} | config
    return Settings("scrabble-gan", epochs=epochs, batch_size=2, config=config)


@pytest.mark.filterwarnings("ignore:Even though")  # TensorFlow: data pipelines stay graphs
def test_a_scrabble_gan_resumed_is_one_that_was_not_stopped(eager, tmp_path):
    data = words([2, 2])
    whole = train(settings(), data, out=tmp_path / "whole", verbose=0).model
    for epochs in (1, 2):
        out = tmp_path / "parts"
        parts = train(settings(epochs), data, out=out, resume=True, verbose=0).model
    assert whole.alphabet == "abc"  # the data's
    assert int(parts.optimizer.iterations) == 2
    for one, other in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


def test_images_that_do_not_fit(eager, digits, tmp_path):
    with pytest.raises(InvalidInputError, match="ScrabbleGAN wants written words"):
        train(settings(), digits(4), out=tmp_path)
    with pytest.raises(InvalidInputError, match="CVAE wants images without words"):
        train(Settings("cvae", epochs=1, batch_size=2), words([1]), out=tmp_path)
    with pytest.raises(InvalidInputError, match="knows the alphabet 'xyz', words is written in"):
        train(settings(alphabet="xyz"), words([1]), out=tmp_path)
