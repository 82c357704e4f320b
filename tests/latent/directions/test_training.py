"""The game between A and R: what it draws, what it minimises, and where it leads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.latent.directions.toys import PLACE, THICKNESS, WIDTH, as_graph, bar, bar_generator
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.directions import Training, learn_directions, rca, rca_rows
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.matrices import Fixed, Linear
from tfgenxai.latent.directions.training import Game, batch_of
from tfgenxai.latent.generator import Generator

QUICK = Training(steps=2, rate=1e-3, batch_size=4)
EYE = np.eye(WIDTH, dtype=np.float32)


@pytest.fixture(scope="module")
def generator():
    return bar_generator()


@pytest.fixture(scope="module")
def labelled():
    """The label, of three, is the brightness of the bar."""

    def image(z, label):
        return {"image": bar(z)["image"] * tf.cast(label + 1, tf.float32)[:, None, None, None] / 3}

    specs = tf.TensorSpec((None, WIDTH), tf.float32, "z"), tf.TensorSpec((None,), tf.int64, "label")
    return Generator(as_graph(image, *specs), classes=3)


def test_pairs_follow_the_papers_distribution(labelled):
    game = Game(labelled, Fixed(EYE[:5]), Training(reach=6.0, smallest=0.5), seed=1)
    pairs = game.pairs(20_000)
    codes, labels = pairs.fed
    np.testing.assert_allclose(codes.mean(), 0.0, atol=0.01)
    np.testing.assert_allclose(codes.std(), 1.0, atol=0.01)
    for drawn, kinds in ((labels, 3), (pairs.directions, 5)):
        np.testing.assert_allclose(np.bincount(drawn) / 20_000, 1 / kinds, atol=0.015)
    size = np.abs(pairs.sizes)
    assert size.min() == 0.5 and size.max() <= 6.0
    # |U(-6, 6)|, of which the twelfth below 0.5 is moved out to it.
    np.testing.assert_allclose(np.mean(size == 0.5), 1 / 12, atol=0.01)
    np.testing.assert_allclose(size.mean(), (6**2 - 0.5**2) / 12 + 0.5 / 12, atol=0.03)
    np.testing.assert_allclose(np.mean(pairs.sizes > 0), 0.5, atol=0.015)
    other = Game(labelled, Fixed(EYE[:5]), Training(), seed=2).pairs(5)
    assert not np.allclose(other.sizes, pairs.sizes[:5])


def test_both_images_of_a_pair_have_one_label(labelled):
    """What the reconstructor sees, by hand: G(z, y) and G(z + epsilon a_k, y)."""
    game = Game(labelled, Fixed(EYE[[PLACE, THICKNESS]]), QUICK)
    pairs = game.pairs(6)
    seen = []
    game.reconstructor.call = lambda pair, training=False: (
        seen.extend(pair)
        or (
            tf.zeros((6, 2)),
            tf.zeros(6),
        )
    )
    tf.config.run_functions_eagerly(True)
    try:
        game.judge(batch_of(pairs, 0, 6))
    finally:
        tf.config.run_functions_eagerly(False)
    codes, labels = pairs.fed
    axes = np.array([PLACE, THICKNESS])[pairs.directions]
    moved = codes.copy()
    moved[np.arange(6), axes] += pairs.sizes
    np.testing.assert_allclose(seen[0], labelled.images(codes, labels), atol=1e-5)
    np.testing.assert_allclose(seen[1], labelled.images(moved, labels), atol=1e-5)


def test_one_step_by_hand(generator):
    """The loss of a batch, and Adam's first step: by the rate, against the gradient's sign."""
    training = Training(steps=1, rate=1e-2, batch_size=8, weight=0.25)
    twin = Game(generator, Linear(3, WIDTH, 0), training, seed=4)
    pairs = twin.pairs(8)
    before = twin.matrix.rows.numpy()
    with tf.GradientTape() as tape:
        unit = twin.matrix.rows / tf.norm(twin.matrix.rows, axis=1, keepdims=True)
        moved = pairs.fed[0] + pairs.sizes[:, None] * tf.gather(unit, pairs.directions)
        logits, guessed = twin.reconstructor(
            (bar(tf.constant(pairs.fed[0]))["image"], bar(moved)["image"]), training=True
        )
        told = keras.losses.sparse_categorical_crossentropy(
            pairs.directions, logits, from_logits=True
        )
        error = tf.abs(guessed - pairs.sizes)
        loss = tf.reduce_mean(told) + 0.25 * tf.reduce_mean(error)
    gradient = tape.gradient(loss, twin.matrix.rows).numpy()
    game = Game(generator, Linear(3, WIDTH, 0), training, seed=4)
    history, finished = game.play("one step", progress=False)
    assert finished
    np.testing.assert_allclose(history["loss"], [loss], rtol=1e-4)
    np.testing.assert_allclose(history["error"], [tf.reduce_mean(error)], rtol=1e-4)
    hits = np.mean(logits.numpy().argmax(axis=1) == pairs.directions)
    np.testing.assert_allclose(history["accuracy"], [hits])
    step = game.matrix.rows.numpy() - before
    large = np.abs(gradient) > 1e-4
    assert large.any()
    np.testing.assert_allclose(step[large], -1e-2 * np.sign(gradient[large]), rtol=0.02)


def test_same_seed_same_directions(generator):
    first, again = (
        learn_directions(generator, 3, training=QUICK, seed=5, progress=False) for _ in range(2)
    )
    np.testing.assert_array_equal(first.directions.vectors, again.directions.vectors)
    assert first.finished and first.directions.about["steps"] == 2
    assert first.directions.method == "learned"


def test_an_interruption_keeps_what_was_learnt_and_judges_nothing(generator, monkeypatch):
    def twice(game):
        told = iter([0.25, 0.5])

        def update(pairs):
            share = next(told, None)
            if share is None:
                raise KeyboardInterrupt
            game.matrix.rows.assign_add(tf.ones_like(game.matrix.rows))
            return tf.fill([3], share)

        return update

    monkeypatch.setattr(Game, "update", twice)
    early = learn_directions(generator, 3, training=Training(steps=9), seed=5, progress=False)
    assert not early.finished
    assert (early.directions.about["steps"], early.directions.about["accuracy"]) == (2, 0.375)
    moved = Linear(3, WIDTH, 5).rows.numpy() + 2.0
    expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(early.directions.vectors, expected, rtol=1e-5)

    def at_once(game):
        def update(pairs):
            raise KeyboardInterrupt

        return update

    monkeypatch.setattr(Game, "update", at_once)
    with pytest.raises(KeyboardInterrupt):
        rca(generator, early.directions, training=QUICK, seed=5, progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "takes 1 step"),
        ({"batch_size": 1}, "2 pairs a batch"),
        ({"rate": 0.0}, "rate above 0"),
        ({"rate": float("nan")}, "rate above 0"),
        ({"smallest": 6.0}, "reach further"),
        ({"weight": -1.0}, "0 or more"),
        ({"reconstructor": "vgg"}, "no reconstructor 'vgg'; choose from lenet, conv"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(UsageError, match=message):
        Training(**settings)


def test_what_cannot_be_learnt_or_judged(generator):
    with pytest.raises(UsageError, match="no kind 'curved'; directions are linear or orthonormal"):
        learn_directions(generator, kind="curved")
    with pytest.raises(UsageError, match="At least one"):
        learn_directions(generator, 0)
    with pytest.raises(UsageError, match="1 to 24 orthonormal directions"):
        learn_directions(generator, 25, kind="orthonormal")
    with pytest.raises(InvalidInputError, match="of 2 dimensions; those of .* have 24"):
        rca(generator, Directions(np.eye(2), "x"))
    with pytest.raises(UsageError, match="At least one pair"):
        rca(generator, Directions(EYE, "x"), pairs=0)
    with pytest.raises(UsageError, match="no method 'pca'; choose from learned, orthonormal"):
        next(iter(rca_rows(generator, ["pca"])))
    free = tf.TensorSpec((None, 3), tf.float32, "z")
    unsized = as_graph(lambda z: {"image": tf.ones(tf.concat([tf.shape(z), [3, 1]], 0))}, free)
    with pytest.raises(InvalidInputError, match="no fixed size|28 x 28"):
        learn_directions(Generator(unsized), 2)
