"""`tfgenxai attention`, on a small generator and a small discriminator."""

import csv
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tfgenxai.attention import AttentionMaps, attention_maps
from tfgenxai.cli import main
from tfgenxai.models.layers import self_attention

SIDE = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A SavedModel: generate (z and label) and discriminate, with a gain of 0.5 and of 0."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    z, label = keras.Input((5,)), keras.Input((), dtype="int64")
    y = layers.Concatenate()([z, layers.Embedding(10, 3)(label)])
    y = layers.Reshape((6, 6, 8))(layers.Dense(6 * 6 * 8)(y))
    y = self_attention(y, "generator_attention", pool_keys=True)
    y = layers.Conv2DTranspose(1, 4, 2, "same", activation="sigmoid")(y)
    generator = keras.Model([z, label], y)
    generator.get_layer("generator_attention_gain").set_weights([np.float32(0.5)])
    x = keras.Input((SIDE, SIDE, 1))
    y = self_attention(layers.Conv2D(8, 3, 2, "same")(x), "discriminator_attention")
    discriminator = keras.Model(x, layers.Dense(1)(layers.Flatten()(y)))
    module = tf.Module()
    module.held = [*generator.weights, *discriminator.weights]
    module.variables_ = [v.value for v in module.held]
    code = tf.TensorSpec((None, 5), tf.float32, name="z")
    asked = tf.TensorSpec((None,), tf.int64, name="label")
    image = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="image")
    functions = {
        "generate": tf.function(
            lambda z, label: {"image": generator([z, label])}, input_signature=[code, asked]
        ),
        "discriminate": tf.function(
            lambda image: {"logits": discriminator(image)}, input_signature=[image]
        ),
        "plain": tf.function(
            lambda image: {"out": tf.reduce_sum(image, (1, 2, 3))}, input_signature=[image]
        ),
    }
    module.functions = list(functions.values())
    path = tmp_path_factory.mktemp("models") / "tiny"
    signatures = {name: f.get_concrete_function() for name, f in functions.items()}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


@pytest.fixture
def call(capsys):
    def run(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def test_a_generator_with_labels(model, call, tmp_path):
    out = tmp_path / "out"
    words = ("attention", model, "--out", out, "--size", 5, "--shown", 2)
    code, text, _ = call(*words, "--query", "3,7", "--query", "11,0", "--json")
    assert code == 0
    found = json.loads(text)
    assert (found["signature"], found["gain"]) == ("generate", 0.5)
    assert (found["query_grid"], found["key_grid"]) == ([6, 6], [3, 3])
    assert found["output"] == "image" and found["mean_change_without"] > 0
    assert {row["map"] for row in found["measures"]} == {
        "as trained",
        "weights shuffled",
        "uniform",
    }
    maps = AttentionMaps.load(out / "maps.npz")
    codes = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    given = {"z": codes, "label": np.arange(5)}
    expected = attention_maps(tfgenxai.load(model)["generate"], given)
    np.testing.assert_allclose(maps.values, expected.values, atol=1e-6)
    rows = found["queries"]
    assert [(r["sample"], r["row"], r["column"], r["index"]) for r in rows] == [
        (0, 3, 7, 9), (0, 11, 0, 30), (1, 3, 7, 9), (1, 11, 0, 30)
    ]  # fmt: skip
    assert [row["wrong_index"] for row in rows[:2]] == [3, 0]
    for row in rows:
        shares = maps.values[row["sample"], row["index"]].astype(float)
        assert row["entropy"] == pytest.approx(-(shares * np.log2(shares)).sum())
    with (out / "queries.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    names = {"maps.npz", "measures.csv", "queries.csv", "queries.png", "index.png", "measures.png",
             "results.json"}  # fmt: skip
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "results.json").read_text()) == found


def test_a_discriminator_in_words(model, call, tmp_path):
    np.save(tmp_path / "images.npy", np.random.default_rng(1).random((3, SIDE, SIDE, 1)))
    words = ("attention", model, "--signature", "discriminate", "--data", tmp_path / "images.npy")
    code, text, _ = call(*words, "--out", tmp_path / "out")
    assert code == 0
    assert "6 x 6 queries to 6 x 6 keys; gain 0: the attention has no effect" in text
    assert "without it, logits moves by 0 on average" in text


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("--query 3", 2, "--query takes ROW,COLUMN, such as 14,9, not '3'"),
        ("--query 3,12", 2, r"no pixel \(3, 12\): rows run from 0 to 11"),
        ("--layer other", 1, "'other' is no self-attention"),
        ("--signature plain --data IMAGES", 1, "'plain' has no self-attention"),
        ("--signature nothing", 1, "no signature 'nothing'"),
        ("--head 1", 2, "heads 0 to 0, not 1"),
        ("--size 0", 2, "--size must be at least 1"),
        ("--seed -1", 2, "--seed must be at least 0"),
    ],
)
def test_errors(words, code, text, model, call, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((1, SIDE, SIDE, 1)))
    words = words.replace("IMAGES", str(tmp_path / "images.npy")).split()
    out = tmp_path / "out"
    found, printed, lines = call("attention", model, "--out", out, *words)
    assert (found, printed, len(lines)) == (code, "", 1)
    assert re.search(text, lines[0])
    assert not out.exists()
