"""Texts written by a model whose every pixel is known, and read by one that knows them."""

import json

import numpy as np
import pytest
from PIL import Image

import tfgenxai
from tests.metrics.handwriting import ALPHABET, glyphs, model_of, reader, writer
from tfgenxai.cli import main
from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError
from tfgenxai.latent.directions import Directions
from tfgenxai.latent.reader import Reader, find_reader
from tfgenxai.writing import Writer, write
from tfgenxai.writing.writer import GAP, arranged


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return model_of(tmp_path_factory.mktemp("models") / "hand", generate=writer)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return model_of(tmp_path_factory.mktemp("models") / "judge", recognise=reader)


@pytest.fixture
def call(capsys, monkeypatch, tmp_path, model, judge):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        options = ["--model", model.path, "--recogniser", judge.path]
        code = main(["write", *map(str, [*words, *options])])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def by_hand(word: str, joined: bool, grey: bool) -> np.ndarray:
    """(32, 16 n): what the model draws, glyph by glyph."""
    image = np.concatenate([glyphs()[ALPHABET.index(c)] for c in word], axis=1)
    if joined:
        image[20] = 1
    return image * (0.8 if grey else 1)


def seeds_of_styles(width: int = 2) -> dict[tuple[bool, bool], int]:
    """A seed for each of the four styles."""
    drawn = {s: np.random.default_rng(s).standard_normal(width) > 0 for s in range(40)}
    return {tuple(map(bool, style)): seed for seed, style in reversed(drawn.items())}


@pytest.mark.parametrize(("style", "seed"), seeds_of_styles().items())
def test_a_seed_is_one_style_for_every_word(model, style, seed):
    image = write("2026 7", model=model, style_seed=seed)
    first, second = by_hand("2026", *style), by_hand("7", *style)
    expected = np.concatenate([first, np.zeros((32, GAP)), second], axis=1)
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)
    stacked = write(" 2026  7 ", model=model.path, style_seed=seed, stacked=True)
    assert stacked.shape == (64 + GAP, 64, 1)
    np.testing.assert_allclose(stacked[32 + GAP :, :16, 0], second, atol=1e-6)
    assert not stacked[32 : 32 + GAP].any() and not stacked[32:, 16:].any()


def test_the_gap_is_paper_of_either_kind():
    dark = 1 - by_hand("31", False, False)[None, ..., None]
    np.testing.assert_array_equal(
        arranged([dark, dark], stacked=False)[0, :, 32 : 32 + GAP, 0], np.ones((32, GAP))
    )


def test_what_cannot_be_written(model, judge, tmp_path):
    for text, says in (("12a", "cannot write 'a'"), (" \n", "nothing to write")):
        with pytest.raises(UsageError, match=says):
            write(text, model=model)
    with pytest.raises(UsageError, match="from 0, not -1"):
        write("1", model=model, style_seed=-1)
    with pytest.raises(UsageError, match="without @WORD"):
        write("1", model=tfgenxai.load(f"{model.path}@12"))
    with pytest.raises(ModelNotFoundError, match="no signature 'generate'"):
        Writer(judge)
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        write("1", model=tmp_path / "none")
    with pytest.raises(InvalidInputError, match=r"\(1, 2\), one a row"):
        Writer(model).word("1", np.zeros((1, 3)))
    with pytest.raises(InvalidInputError, match="one length"):
        Writer(model).words(["1", "23"], np.zeros((2, 2)))


def test_a_recogniser_is_found_by_name_alone_unless_one_ships_for_the_data(model, judge, tmp_path):
    named = find_reader(model, str(judge.path))
    assert named is not None and named.alphabet == ALPHABET
    images = Writer(model).word("42", np.array([[-1, 1], [-1, -1]]))
    assert named.texts(images) == ["42", "42"]
    assert named.errors(images, "4").tolist() == [1.0, 1.0]
    other = model_of(tmp_path / "other", generate=writer, data="elsewhere")
    assert find_reader(other) is None
    with pytest.raises(ModelNotFoundError, match="reads no words"):
        Reader.of(model)


def test_a_word_on_the_command_line(call, tmp_path):
    seed = seeds_of_styles()[False, False]
    code, out, _ = call("2021", "--style-seed", seed, "--scale", 3)
    assert (code, out) == (0, "2021.png\njudge reads '2021': right\n")
    picture = np.asarray(Image.open(tmp_path / "2021.png").convert("L")) / 255
    large = np.kron(by_hand("2021", False, False), np.ones((3, 3)))
    np.testing.assert_allclose(picture, large, atol=1 / 255)


def test_a_sheet_of_styles_as_json(call, tmp_path):
    code, out, _ = call("20 1", "--styles", 5, "--style-seed", 3, "--json", "--scale", 1)
    found = json.loads(out)
    assert code == 0 and found["file"] == "20-1.png" and found["text"] == "20 1"
    assert [row["style_seed"] for row in found["images"]] == [3, 4, 5, 6, 7]
    for row in found["images"]:
        assert row["right"] == (row["read"] == "20 1")
    assert Image.open(tmp_path / "20-1.png").size == tuple(found["pixels"]) == (56, 5 * 33 - 1)


def test_between_two_styles_as_a_sheet_and_moving(call, tmp_path):
    a, b = seeds_of_styles()[False, False], seeds_of_styles()[True, True]
    code, out, _ = call("20", "--between", a, b, "--steps", 4, "--json", "--scale", 1)
    found = json.loads(out)
    assert code == 0 and [row["way"] for row in found["images"]] == pytest.approx(
        [0, 1 / 3, 2 / 3, 1]
    )
    sheet = np.asarray(Image.open(tmp_path / "20.png").convert("L")) / 255
    np.testing.assert_allclose(sheet[:, :32], by_hand("20", False, False), atol=1 / 255)
    np.testing.assert_allclose(sheet[:, -32:], by_hand("20", True, True), atol=1 / 255)
    assert call("20", "--between", a, b, "--steps", 4, "--out", "way.gif")[0] == 0
    with Image.open(tmp_path / "way.gif") as moving:
        assert moving.n_frames <= 6 and moving.size == (128, 128)


def test_along_a_direction_by_number_and_by_name(call, tmp_path):
    axes = Directions(np.eye(2), "coordinates", ("joined", "grey"))
    axes.save(tmp_path / "axes.npz")
    for direction in ("1", "grey"):
        words = ["20", "--along", "axes.npz", "--direction", direction, "--steps", 2, "--reach", 9]
        code, out, _ = call(*words, "--scale", 1, "--json")
        assert code == 0
        assert [row["epsilon"] for row in json.loads(out)["images"]] == [-9, 9]
        with Image.open(tmp_path / "20.gif") as moving:
            brightest = []
            for frame in range(2):
                moving.seek(frame)
                brightest.append(np.asarray(moving.convert("L")).max())
        assert brightest == [255, 204]  # 0.8 of white where z1 > 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["12", "--styles", 0], "at least 1"),
        (["12", "--out", "a.jpg"], "a .png or a .gif"),
        (["12", "--out", "a.gif"], "A .gif moves"),
        (["12", "--steps", 3], "those of --between or --along"),
        (["12", "--resample", "lanczos"], "nearest or bicubic"),
        (["1x"], "cannot write 'x'"),
        (["12", "--styles", 2, "--between", 1, 2], "not allowed with"),
        (["12", "--along", "none.npz"], "There is no file none.npz"),
    ],
)
def test_what_cannot_be_asked_for(call, tmp_path, words, says):
    code, out, errors = call(*words)
    assert code in (1, 2) and not out and len(errors) == 1 and says in errors[0]
    assert not list(tmp_path.iterdir())


def test_a_direction_that_is_not_there(call, tmp_path):
    Directions(np.eye(2), "coordinates", ("joined", "grey")).save(tmp_path / "axes.npz")
    code, _, (error,) = call("20", "--along", "axes.npz", "--direction", "slant")
    assert code == 2 and "run from 0 to 1, and are named 'joined', 'grey'" in error
    Directions(np.eye(3), "coordinates").save(tmp_path / "wide.npz")
    code, _, (error,) = call("20", "--along", "wide.npz")
    assert code in (1, 2) and "codes of 3 dimensions" in error
