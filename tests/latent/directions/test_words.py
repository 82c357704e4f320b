"""Directions of a model of words: what they do to a word that is known, and to other words."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tests.latent.directions.bar_words import ALPHABET, LEAN, LOST, bar_word, mark_reader
from tests.latent.directions.toys import as_graph
from tests.metrics.handwriting import model_of
from tfgenxai.cli import main
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.directions import Directions, effects, ganspace, name_directions, sefa
from tfgenxai.latent.directions.first_layer import first_activation
from tfgenxai.latent.directions.style_layers import is_cut, style_layers
from tfgenxai.latent.directions.transfer import transfer
from tfgenxai.latent.generator import Generator
from tfgenxai.latent.reader import Reader

WAYS = Directions(
    np.array([[1, 0], [0, 1], [-1, 0], [np.sqrt(0.5), np.sqrt(0.5)]]), "known", tuple("abcd")
)
COUNT, REACH = 10, 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "bars"
    return model_of(folder, generate=bar_word, alphabet=ALPHABET)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "judge"
    return model_of(folder, recognise=mark_reader, alphabet=ALPHABET)


@pytest.fixture(scope="module")
def found(model, judge):
    generator = Generator.of(tfgenxai.load(f"{model.path}@cab"))
    options = {"count": COUNT, "reach": REACH, "steps": 3, "progress": False}
    return effects(generator, WAYS, word="cab", reader=Reader.of(judge), **options)


def test_strokes_are_those_of_the_characters(found):
    codes = np.random.default_rng(0).standard_normal((COUNT, 2)).astype(np.float32)
    angles = np.degrees(np.arctan(LEAN * (codes[:, :1] + found.sizes)))
    slopes = [np.polyfit(found.sizes, row, 1)[0] for row in angles]
    np.testing.assert_allclose(found.slopes("slant")[0], slopes, atol=0.15)
    np.testing.assert_allclose(found.slopes("slant")[2], -np.array(slopes), atol=0.15)
    assert abs(found.frame().loc[1, "slant slope"]) < 0.05
    assert found.frame().loc[1, "stroke width rank"] > 0.95
    assert found.frame().loc[1, "width per character rank"] > 0.9
    assert not found.measures["cursivity"].any()  # bars do not touch


def test_text_is_lost_where_the_marks_are(found):
    """`cab` becomes `aaa`, two edits of three, where z1 passes LOST."""
    codes = np.random.default_rng(0).standard_normal((COUNT, 2))
    there = (codes[:, 1:] + found.sizes > LOST)[None]
    np.testing.assert_allclose(found.errors[1:2], np.where(there, 2 / 3, 0), rtol=1e-6)
    starts = codes[:, 1] <= LOST
    assert starts.all()
    row = found.frame().loc[1]
    assert row["text lost"] == pytest.approx(there[0].any(axis=1).mean())
    assert row["error rate"] == pytest.approx(there[0][:, [0, 2]].mean() * 2 / 3)
    assert row["unmoved error rate"] == 0
    assert found.frame().loc[0, ["text lost", "error rate"]].tolist() == [0, 0]
    names = name_directions(found)
    assert names[0] == names[2] == "slant" and names[1].endswith(", text lost")


def test_words_of_one_character_have_no_cursivity(model):
    generator = Generator.of(tfgenxai.load(f"{model.path}@b"))
    found = effects(generator, WAYS, word="b", count=3, steps=3, progress=False)
    assert "cursivity" not in found.measures and found.errors is None
    assert "text lost" not in found.frame()
    with pytest.raises(UsageError, match="give `effects` a word and a reader"):
        found.text_lost()


def test_a_reader_needs_to_know_the_word(model, judge):
    generator = Generator.of(tfgenxai.load(f"{model.path}@b"))
    with pytest.raises(UsageError, match="which `word` the reader"):
        effects(generator, WAYS, reader=Reader.of(judge), count=3, steps=3)


def test_the_same_directions_on_other_words(model):
    moved = transfer(model, WAYS, "ab", ["ab", "cabba", "c"], count=4, reach=1.0)
    frame = moved.frame().set_index(["word", "measure"])
    assert set(frame.index.get_level_values("word")) == {"ab", "cabba", "c"}
    for word in ("ab", "cabba", "c"):
        row = frame.loc[word, "slant"]
        assert row["correlation"] > 0.99 and row["slope"] == pytest.approx(1, abs=0.1)
        assert row["correlation"] > row["chance_high"]
        assert ("cursivity" not in frame.loc[word].index) or word != "c"
    # Ink is that of every character: a word of five gains as much more.
    assert frame.loc[("cabba", "area"), "slope"] == pytest.approx(2.5, rel=0.1)
    with pytest.raises(UsageError, match="Name words"):
        transfer(model, WAYS, "ab", [])
    with pytest.raises(InvalidInputError, match="three directions"):
        transfer(model, WAYS[:2], "ab", ["c"])


def test_chance_is_that_of_shuffles_one_by_one(model):
    moved = transfer(model, WAYS, "ab", ["c"], count=2, reach=1.0)
    here, there = (e.slopes("slant").mean(axis=1) for e in (moved.home, moved.others["c"]))
    orders = itertools.permutations(range(len(WAYS)))
    every = [np.corrcoef(here, there[list(order)])[0, 1] for order in orders]
    row = moved.frame(seed=5).set_index("measure").loc["slant"]
    assert row["correlation"] == pytest.approx(np.corrcoef(here, there)[0, 1])
    assert np.quantile(every, 0.9) - 1e-9 <= row["chance_high"] <= max(every) + 1e-9


def test_words_on_the_command_line(model, judge, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["directions", f"{model.path}@ca", "--method", "coordinate", "--count", "2", "--json"]
    words += ["--samples", "4", "--recogniser", str(judge.path)]
    assert main(words) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["training"]["reconstructor"] == "resdown"
    rows = summary["directions"]["coordinate"]["effects"]
    assert rows[0]["text lost"] == 0 and rows[0]["slant rank"] == 1
    assert len(list(tmp_path.glob("runs/directions/bars@ca/gifs/coordinate-*.gif"))) == 2
    assert main(["directions", str(model.path), "--method", "coordinate", "--count", "2"]) == 2
    assert "@" in capsys.readouterr().err  # a word has to be named


# -- a code that is cut into parts ------------------------------------------------------------

RANDOM = np.random.default_rng(3)
FIRST = RANDOM.normal(size=(3, 12)).astype(np.float32)
GAIN, BIAS = RANDOM.normal(size=(2, 3, 2)).astype(np.float32)


def cut_generator() -> Generator:
    """z of 6: three make maps (2, 3, 2), three are gain and bias of these."""
    z = keras.Input((6,), name="z")
    parts = [keras.layers.Lambda(lambda x, k=k: x[:, 3 * k : 3 * k + 3])(z) for k in range(2)]
    maps = keras.layers.Dense(12, name="filters")(parts[0])
    maps = keras.layers.ReLU(name="early")(keras.layers.Reshape((2, 3, 2))(maps))
    gain, bias = (keras.layers.Dense(2, name=name)(parts[1]) for name in ("gain", "bias"))
    spread = [keras.layers.Reshape((1, 1, 2))(x) for x in (gain, bias)]
    maps = keras.layers.Add()([keras.layers.Multiply()([maps, spread[0]]), spread[1]])
    image = keras.layers.Conv2D(1, 3, padding="same", name="conv")(
        keras.layers.ReLU(name="late")(maps)
    )
    model = keras.Model(z, image)
    for name, weights in (("filters", FIRST), ("gain", GAIN), ("bias", BIAS)):
        model.get_layer(name).kernel.assign(weights)
        model.get_layer(name).bias.assign(np.full(weights.shape[1], 0.5))
    return Generator(
        as_graph(lambda z: {"image": model(z)}, tf.TensorSpec((None, 6), tf.float32, "z"))
    )


def test_first_layers_of_every_part_are_read():
    generator = cut_generator()
    assert is_cut(generator.graph)
    found = {layer.name: layer.weights for layer in style_layers(generator.graph)}
    nothing = np.zeros((3, 2))
    assert sorted(found) == ["bias", "filters", "gain"]
    np.testing.assert_allclose(found["filters"], np.vstack([FIRST, np.zeros((3, 12))]), atol=1e-5)
    np.testing.assert_allclose(found["gain"], np.vstack([nothing, GAIN]), atol=1e-5)
    np.testing.assert_allclose(found["bias"], np.vstack([nothing, BIAS]), atol=1e-5)


def test_sefa_of_parts_changes_feature_maps_most():
    """By its definition, in loops: of maps made, relative to their variance; of others, plainly."""
    generator = cut_generator()
    found = sefa(generator, 6)

    def change(n):
        first, second = n[:3], n[3:]
        made = sum((first @ column) ** 2 for column in FIRST.T) / sum(np.square(FIRST).ravel())
        conditions = [np.mean([(second @ c) ** 2 for c in w.T]) for w in (GAIN, BIAS)]
        return made + sum(conditions)

    changes = [change(n) for n in found.vectors]
    np.testing.assert_allclose(found.about["changes"], changes, rtol=1e-4)
    assert changes == sorted(changes, reverse=True)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(6), atol=1e-5)
    for n in found.vectors:  # of one part
        assert np.abs(n[:3]).max() < 1e-6 or np.abs(n[3:]).max() < 1e-6
    for _ in range(200):
        n = RANDOM.normal(size=6)
        assert change(n / np.linalg.norm(n)) <= changes[0] + 1e-6
    with pytest.raises(UsageError, match="1 to 6 .* not 7"):
        sefa(generator, 7)


def test_made_maps_vary_as_sefa_takes_them_to():
    """|A|^2 is the variance of all places of the first layer, for standard normal codes."""
    graph = cut_generator().graph
    values = graph.function("z", "filters")(RANDOM.normal(size=(4000, 6)).astype(np.float32))
    assert values.numpy().var(axis=0).sum() == pytest.approx(np.square(FIRST).sum(), rel=0.05)


def test_ganspace_waits_for_every_part():
    generator = cut_generator()
    late = generator.graph["late"].op.name
    assert first_activation(generator.graph) == late
    found = ganspace(generator, 4, samples=500)
    assert found.about["layer"] == late
    assert np.abs(found.vectors[:, 3:]).max() > 0.1
