"""Reading and reports on writing, in a world where writer, reader and styles are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

import tests.metrics.handwriting as world
from tests.metrics.handwriting import ALPHABET, model_of, reader, real_words, words_of, writer
from tfgenxai.data import ImageData
from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError
from tfgenxai.metrics.draws import draw_words, writes_words
from tfgenxai.metrics.features import fingerprint
from tfgenxai.metrics.frechet import Gaussian
from tfgenxai.metrics.reader import check_judge, shipped_recogniser
from tfgenxai.metrics.word_shapes import MEASURES
from tfgenxai.metrics.words import read_words
from tfgenxai.metrics.written import reading_report, writing_report
from tfgenxai.saved.card import read_card

TESTS, TRAINS = real_words(80, 1), real_words(60, 2, "train")
LENGTHS = np.char.str_len(TESTS.texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def judge(folder):
    return model_of(folder / "judge", recognise=reader)


@pytest.fixture(scope="module")
def gan(folder):
    return model_of(folder / "gan", generate=writer)


# -- reading ---------------------------------------------------------------------------------


def test_what_lies_beside_a_word_is_not_read(judge):
    images = np.random.default_rng(0).random((80, 32, 80, 1), np.float32)
    for image, real, length in zip(images, TESTS.images, LENGTHS, strict=True):
        image[:, : 16 * length] = real[:, : 16 * length]
    found = read_words(judge["recognise"], images, LENGTHS, ALPHABET)
    assert found.texts == list(TESTS.texts)
    expected = [
        reader(tf.constant(image[None, :, : 16 * length]))["features"][0]
        for image, length in zip(TESTS.images, LENGTHS, strict=True)
    ]
    np.testing.assert_allclose(found.features, expected, rtol=1e-5)


def test_the_reader_of_this_world_would_read_in_paper(judge):
    """Or else the test before showed nothing."""
    wide = read_words(judge["recognise"], TESTS.images, np.full(80, 4), ALPHABET)
    assert wide.texts != list(TESTS.texts)


@pytest.mark.parametrize(
    ("images", "lengths", "text"),
    [
        (np.zeros((2, 32, 16)), [1, 1], "of shape"),
        (np.zeros((2, 28, 16, 1)), [1, 1], "of shape"),
        (np.zeros((2, 32, 16, 1)), [1], "one number a word"),
        (np.zeros((2, 32, 16, 1)), [1, 0], "one number a word"),
        (np.zeros((0, 32, 16, 1)), [], "one number a word"),
        (np.zeros((2, 32, 16, 1)), [1, 2], "2 characters is 32 wide"),
    ],
)
def test_images_and_lengths_that_do_not_fit(judge, images, lengths, text):
    with pytest.raises(InvalidInputError, match=text):
        read_words(judge["recognise"], images, lengths, ALPHABET)


def test_a_recogniser_of_one_width(judge):
    pairs = judge["recognise"].with_shapes({"image": (32, 32, 1)})
    two = LENGTHS == 2
    found = read_words(pairs, TESTS.images[two], LENGTHS[two], ALPHABET)
    assert found.texts == list(TESTS.texts[two])
    with pytest.raises(InvalidInputError, match="for words of 2 characters; these have 1 to 4"):
        read_words(pairs, TESTS.images, LENGTHS, ALPHABET)


def test_a_reading_report_by_hand(folder):
    """This one takes every 7 for a 1."""
    blind = model_of(folder / "blind", recognise=lambda image: confused(image, 7, 1))
    found = reading_report(blind, TESTS)
    sevens = np.array([text.count("7") for text in TESTS.texts])
    assert found["test_words"] == 80
    assert found["character_error_rate"] == pytest.approx(sevens.sum() / LENGTHS.sum())
    assert found["word_error_rate"] == pytest.approx(np.mean(sevens > 0))


def confused(image, one, other):
    found = reader(image)
    return found | {"text": tf.where(found["text"] == one, np.int64(other), found["text"])}


# -- drawing ---------------------------------------------------------------------------------


def test_every_word_in_its_place_and_its_own_style(gan):
    texts = ["20", "7", "1999", "7", "20"]
    drawn = draw_words(gan, texts, ALPHABET, seed=4, batch_size=1)
    styles = np.random.default_rng(4).standard_normal((5, 2)).astype(np.float32)
    np.testing.assert_array_equal(drawn.codes, styles)
    assert drawn.images.shape == (5, 32, 64, 1)
    for i, text in enumerate(texts):
        label = [ALPHABET.index(character) for character in text]
        assert drawn.labels[i].tolist() == label + [-1] * (4 - len(text))
        expected = writer(styles[i : i + 1], np.array([label]))[0]
        np.testing.assert_array_equal(drawn.images[i, :, : 16 * len(text)], expected)
        assert not drawn.images[i, :, 16 * len(text) :].any()
    together = draw_words(gan, texts[:3], ALPHABET, seed=4)
    np.testing.assert_array_equal(together.images, drawn.images[:3])


def test_who_writes_words(gan, judge):
    assert writes_words(gan) and not writes_words(judge)
    with pytest.raises(ModelNotFoundError, match="draws no words"):
        draw_words(judge, ["1"], ALPHABET)
    with pytest.raises(UsageError, match="'a'"):
        draw_words(gan, ["1a"], ALPHABET)


# -- the report ------------------------------------------------------------------------------


def asked(generated, seed=0):
    """The texts that are written, and the held-out words in the order they are taken in."""
    order = np.random.default_rng(seed).permutation(80)
    return TESTS.texts[np.resize(order, generated)], order


def test_a_perfect_model_is_at_ceiling_and_floor(gan, judge):
    """The training words are the very ones that it writes: every measure is that of real words."""
    texts, _ = asked(16, seed=3)
    train = words_of(draw_words(gan, texts, ALPHABET, seed=3).images, texts, "train")
    report = writing_report(gan, TESTS, train, judge, generated=16, seed=3)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["character_error_rate"] == report["word_error_rate_real"] == 0.0
    assert report["written_words"] == report["distance_words"] == 16
    compared = [name for name in report if f"{name}_real" in report]
    assert len(compared) == 2 + 1 + 4 + 1 + 3 * len(MEASURES)
    for name in compared:
        assert report[name] == pytest.approx(report[f"{name}_real"], rel=1e-4, abs=1e-6), name
    assert report["features_sha256"] == fingerprint(judge)
    assert fingerprint(judge) in read_card(judge.path)["sha256"].values()


@pytest.fixture(scope="module")
def report(gan, judge):
    """Of 20 words."""
    return writing_report(gan, TESTS, TRAINS, judge, generated=20, seed=5, skip=("manifold",))


def test_held_out_words_are_others_than_those_whose_texts_are_written(report):
    """The Fréchet distance again, from the features of single words."""
    texts, order = asked(20, seed=5)
    styles = np.random.default_rng(5).standard_normal((20, 2)).astype(np.float32)
    drawn = []
    for style, text in zip(styles, texts, strict=True):
        label = np.array([[ALPHABET.index(character) for character in text]])
        drawn.append(reader(writer(style[None], label))["features"][0].numpy())
    held_out = [
        reader(tf.constant(TESTS.images[[i], :, : 16 * LENGTHS[i]]))["features"][0].numpy()
        for i in order[-20:]
    ]
    assert not set(order[:20]) & set(order[-20:])
    first, second = (Gaussian.of(np.array(rows, np.float64)) for rows in (drawn, held_out))
    assert report["frechet"] == pytest.approx(first.distance(second), rel=1e-3)
    assert report["distance_words"] == 20


def test_joined_words_are_counted_as_they_are_drawn(report):
    texts, order = asked(20, seed=5)
    styles = np.random.default_rng(5).standard_normal((20, 2))
    several = np.char.str_len(texts) > 1
    joined = np.mean(styles[several, 0] > 0)
    assert report["style_cursivity"] == pytest.approx(joined)
    assert report["style_cursivity_spread"] == pytest.approx(np.sqrt(joined * (1 - joined)))
    held_out = TESTS[order[-20:]]
    line = held_out.images[:, world.LINE, :16, 0].min(axis=1) > 0
    real = np.mean(line[np.char.str_len(held_out.texts) > 1])
    assert report["style_cursivity_distance"] == pytest.approx(abs(joined - real))
    assert not {"precision", "neighbors"} & report.keys() and "frechet" in report


def test_a_model_that_writes_nothing_but_one_is_found_out(folder, judge):
    ones = model_of(folder / "ones", generate=lambda z, label: writer(z, tf.ones_like(label)))
    tests = TESTS[:40]
    report = writing_report(ones, tests, TRAINS, judge, generated=40, skip=("manifold",))
    others = sum(len(text) - text.count("1") for text in tests.texts)
    assert report["character_error_rate"] == pytest.approx(others / LENGTHS[:40].sum())
    wrong = np.mean([set(text) != {"1"} for text in tests.texts])
    assert report["word_error_rate"] == pytest.approx(wrong)
    assert report["character_error_rate_real"] == 0.0
    assert report["frechet"] > 10 * report["frechet_real"]
    assert report["distance_words"] == 20 and report["written_words"] == 40


def test_empty_paper_has_no_style(folder, judge):
    blank = model_of(folder / "blank", generate=lambda z, label: 0.0 * writer(z, label))
    report = writing_report(blank, TESTS, TRAINS, judge, generated=6, skip=("manifold",))
    assert (report["blank_words"], report["blank_words_real"]) == (6, 0)
    assert not any(name.startswith("style_") for name in report)
    json.dumps(report, allow_nan=False)


def test_more_words_than_are_held_out(gan, judge):
    skip = ("distances", "manifold")
    report = writing_report(gan, TESTS[:10], TRAINS, judge, generated=25, skip=skip)
    assert report["written_words"] == 25 and report["distance_words"] == 5
    assert not {"frechet", "precision"} & report.keys() and "style_slant" in report


def test_what_is_no_report(gan, judge, folder):
    plain = ImageData("faces", "test", np.zeros((8, 32, 16, 1), np.uint8), "drawn", "")
    with pytest.raises(UsageError, match="faces has no words"):
        writing_report(gan, plain, TRAINS, judge)
    with pytest.raises(InvalidInputError, match="four held-out"):
        writing_report(gan, TESTS[:3], TRAINS, judge)
    with pytest.raises(ModelNotFoundError, match="does not judge words"):
        writing_report(gan, TESTS, TRAINS, gan)
    few = model_of(folder / "few", recognise=reader, alphabet="0123")
    with pytest.raises(UsageError, match="no '4', '5'"):
        check_judge(few, ALPHABET)


def test_the_recogniser_that_ships_judges_its_own_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shelf = tmp_path / "saved_models" / "recogniser"
    shelf.parent.mkdir()
    model_of(shelf, recognise=reader)
    found = shipped_recogniser("words", "210")
    assert found is not None and found.path.resolve() == shelf
    assert shipped_recogniser("iam", "210") is None
    assert shipped_recogniser("words", "21x") is None
