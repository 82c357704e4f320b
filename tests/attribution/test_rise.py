import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import RISE, perturbation
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Discriminator, Latent, ReconstructionError


def masks_of(method):
    return method.kept(tf.range(method.count)).numpy()


def slow_rise(method, score, images):
    """One image, one mask at a time, on the live model."""
    masks = masks_of(method)
    found = []
    for i, image in enumerate(images):
        total = 0.0
        for mask in masks:
            total = total + float(score((image * mask[..., None])[None], i)) * mask
        found.append(total / (method.probability * len(masks)))
    return np.array(found)


def agree(found, expected):
    assert found.any() and np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6)


def test_equal_to_the_loop(classifier, images):
    method = RISE(classifier.graph, masks=60, cells=4, probability=0.4, seed=2)
    found = method(images[:2], ClassLogit(1))
    assert found.values.shape == (2, 12, 12)
    expected = slow_rise(
        method, lambda x, i: classifier.model.predict_on_batch(x)[0, 1], images[:2]
    )
    agree(found.values, expected)
    known = {"masks": 60, "cells": 4, "probability": 0.4, "seed": 2}
    assert known.items() <= found.settings.items()


def test_targets_of_every_kind(autoencoder, encoder, discriminator, classifier, images):
    noise = np.stack([np.random.default_rng([0, 0, i]).standard_normal(5) for i in range(3)])

    def error(x, i):
        return tf.reduce_sum((x - tf.sigmoid(autoencoder.model(np.float32(x)))) ** 2)

    def judged(x, i):
        return discriminator.model(tf.sigmoid(autoencoder.model(np.float32(x))))[0, 0]

    def sample(x, i):
        mean, logvar = encoder.model(np.float32(x))
        return (mean + tf.exp(0.5 * logvar) * np.float32(noise[i]))[0, 2]

    cases = [
        (autoencoder, ReconstructionError(), error),
        (autoencoder, Discriminator(discriminator.graph), judged),
        (encoder, Latent(2, at="sample"), sample),
        (classifier, ClassLogit([0, 3, 1]), lambda x, i: classifier.model(x)[0, [0, 3, 1][i]]),
    ]
    for tiny, target, scalar in cases:
        method = RISE(tiny.graph, masks=8)
        found = method(images[:3], target, batch_size=2).values
        agree(found, slow_rise(method, scalar, images[:3]))


@pytest.mark.parametrize(("size", "cells"), [((12, 12), 7), ((10, 15), 4), ((6, 6), 1)])
def test_masks_are_grids_scaled_up_and_cut(size, cells):
    spec = tf.TensorSpec((None, *size, 3), tf.float32, name="image")
    graph = Graph.from_function(
        tf.function(
            lambda image: {"mean": tf.reduce_sum(image, [1, 2])}, input_signature=[spec]
        ).get_concrete_function()
    )
    method = RISE(graph, masks=30, cells=cells, seed=1)
    sides = [int(np.ceil(n / cells)) for n in size]
    for grid, shift, mask in zip(method.grids, method.shifts, masks_of(method)):
        large = [(cells + 1) * side for side in sides]
        scaled = tf.image.resize(np.float32(grid)[..., None], large, method="bilinear")
        assert (shift >= 0).all() and (shift < sides).all()
        cut = scaled[shift[0] : shift[0] + size[0], shift[1] : shift[1] + size[1], 0]
        np.testing.assert_allclose(mask, cut, atol=2e-6)


def test_every_pixel_is_kept_with_the_same_probability(classifier):
    for p in (0.3, 0.5):
        masks = masks_of(RISE(classifier.graph, masks=4000, cells=4, probability=p))
        error = masks.std(0) / np.sqrt(len(masks))
        assert np.abs((masks.mean(0) - p) / error).max() < 5
        assert masks.min() >= 0 and masks.max() <= 1 + 1e-6


def cell_weights(method):
    """How much of each cell a pixel has, for every shift along each axis, by bilinear resize."""
    tables = []
    for size, side in zip(method.grid, method.sides):
        eye = np.eye(method.cells, dtype=np.float32)[None, ..., None]
        large = (method.cells + 1) * side
        scaled = tf.image.resize(eye, (large, method.cells))[0, ..., 0].numpy()
        tables.append(np.stack([scaled[shift : shift + size] for shift in range(side)]))
    return tables


def test_expectation_for_a_linear_model(linear, images):
    """E[f(x m) m] / p = sum_j w_j x_j E[m_i m_j] / p, with the exact moments of the masks."""
    weights, graph = linear
    p = 0.4
    method = RISE(graph, masks=6000, cells=3, probability=p, seed=4)
    rows, columns = cell_weights(method)
    same = np.einsum("sac,sbc->ab", rows, rows) / len(rows)
    overlap = np.einsum("ab,xy->axby", same, np.einsum("sxc,syc->xy", columns, columns))
    moments = p**2 + p * (1 - p) * overlap.reshape(144, 144) / len(columns)
    x = images[:2].reshape(2, 144)
    expected = (moments @ (weights[:, 1] * x).T / p).T
    masks = masks_of(method).reshape(-1, 144)
    found = method(images[:2], Latent(1)).values.reshape(2, 144)
    for i in range(2):
        terms = (masks @ (weights[:, 1] * x[i]))[:, None] * masks / p
        error = terms.std(0) / np.sqrt(len(masks))
        assert np.abs((found[i] - expected[i]) / error).max() < 5
        np.testing.assert_allclose(found[i], terms.mean(0), rtol=1e-4, atol=1e-4)


def test_masks_depend_on_the_seed_alone(encoder, images):
    method = RISE(encoder.graph, masks=40)
    every = method(images, Latent.all())
    assert every.values.shape == (7, 5, 12, 12)
    turned = method(images[::-1], Latent.all(), batch_size=3).values[::-1]
    np.testing.assert_allclose(turned, every.values, rtol=1e-4, atol=1e-6)
    one = method(images, Latent(3), batch_size=1).values
    np.testing.assert_allclose(one, every.values[:, 3], rtol=1e-4, atol=1e-6)
    again = RISE(encoder.graph, masks=40)(images, Latent.all()).values
    np.testing.assert_array_equal(again, every.values)
    other = RISE(encoder.graph, masks=40, seed=1)(images, Latent.all()).values
    assert np.abs(other - every.values).max() > 1e-3
    longer = RISE(encoder.graph, masks=70)
    np.testing.assert_array_equal(masks_of(longer)[:40], masks_of(method))


def test_rows_at_a_time_do_not_matter(encoder, images, monkeypatch):
    expected = RISE(encoder.graph, masks=50)(images, Latent(0)).values
    monkeypatch.setattr(perturbation, "ROWS", 21)
    found = RISE(encoder.graph, masks=50)(images, Latent(0)).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": 0}, "masks= must be a whole number from 1"),
        ({"masks": 1.5}, "masks= must be a whole number"),
        ({"cells": 13}, "cells= must be a whole number from 1 to 12"),
        ({"probability": 0.0}, "probability= must lie between 0 and 1"),
        ({"probability": 1.0}, "probability= must lie between 0 and 1"),
    ],
)
def test_wrong_options(encoder, options, message):
    with pytest.raises(UsageError, match=message):
        RISE(encoder.graph, **options)


def test_vectors_are_left_to_occlusion(decoder):
    with pytest.raises(UsageError, match="use Occlusion"):
        RISE(decoder.graph)
