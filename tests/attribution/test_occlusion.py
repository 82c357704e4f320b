import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.attribution import Occlusion, perturbation
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    Pixels,
    ReconstructionError,
    Unit,
)


def starts(size, patch, stride):
    """0, stride, 2 stride, ..., and the last place that a patch fits."""
    found, at = [], 0
    while at + patch < size:
        found.append(at)
        at += stride
    return [*found, size - patch]


def slow_occlusion(scalar, images, patch, stride, fill=0.0):
    """One image, one patch at a time, on the live model."""
    found = []
    for i, image in enumerate(images):
        height, width = image.shape[:2]
        falls, cover = np.zeros((height, width)), np.zeros((height, width))
        whole = float(scalar(image[None], i))
        for top in starts(height, patch[0], stride[0]):
            for left in starts(width, patch[1], stride[1]):
                hidden = image.copy()
                under = np.s_[top : top + patch[0], left : left + patch[1]]
                hidden[under] = np.broadcast_to(fill, image.shape)[under]
                falls[under] += whole - float(scalar(hidden[None], i))
                cover[under] += 1
        assert cover.min() >= 1
        found.append(falls / cover)
    return np.array(found)


def agree(found, expected):
    assert found.any() and np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize(
    ("patch", "stride"), [((4, 4), (2, 2)), ((3, 5), (3, 4)), ((12, 12), (1, 1)), ((1, 2), (1, 1))]
)
def test_equal_to_the_loop(classifier, images, patch, stride):
    expected = slow_occlusion(
        lambda x, i: classifier.model.predict_on_batch(x)[0, 3], images[:2], patch, stride
    )
    method = Occlusion(classifier.graph, patch=patch, stride=stride)
    agree(method(images[:2], ClassLogit(3)).values, expected)


def test_default_patches(classifier, images):
    found = Occlusion(classifier.graph)(images[:3], ClassLogit(1))
    expected = slow_occlusion(lambda x, i: classifier.model(x)[0, 1], images[:3], (4, 4), (2, 2))
    assert (found.settings["patch"], found.settings["stride"]) == ([4, 4], [2, 2])
    assert found.values.shape == (3, 12, 12) and found.target_names == ("class 1",)
    agree(found.values, expected)


@pytest.mark.parametrize("baseline", [0.7, "mean", "array", "colour"])
def test_baselines(images, baseline):
    weights = np.random.default_rng(0).standard_normal((432, 2)).astype(np.float32)

    def encode(image):
        return {"mean": tf.nn.softplus(tf.reshape(image, (-1, 432)) @ weights)}

    spec = tf.TensorSpec((None, 12, 12, 3), tf.float32, name="image")
    graph = Graph.from_function(tf.function(encode, input_signature=[spec]).get_concrete_function())
    colour = np.random.default_rng(1).random((3, 12, 12, 3), dtype=np.float32)
    given = {
        "array": np.random.default_rng(2).random((12, 12, 3)),
        "colour": [0.1, 0.5, 0.9],
    }.get(baseline, baseline)
    found = Occlusion(graph, baseline=given, patch=6)(colour, Latent(1))
    for i in range(3):
        fill = colour[i].mean((0, 1)) if baseline == "mean" else given
        expected = slow_occlusion(
            lambda x, _: encode(x)["mean"][0, 1], colour[i : i + 1], (6, 6), (3, 3), fill
        )
        agree(found.values[i : i + 1], expected)


@settings(max_examples=6, deadline=None)
@given(
    height=st.integers(2, 7),
    width=st.integers(2, 7),
    patch=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    seed=st.integers(0, 99),
)
def test_closed_form_of_a_linear_model(height, width, patch, stride, seed):
    """Hiding a patch takes away the sum of w (x - b) under it."""
    patch = (min(patch[0], height), min(patch[1], width))
    stride = (min(stride[0], patch[0]), min(stride[1], patch[1]))
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((2, height, width, 2)).astype(np.float32)
    x = rng.random((2, height, width, 2), dtype=np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, height, width, 2), name="image")])
    def score(image):
        return {"mean": tf.reduce_sum(image * w, [1, 2, 3])[:, None] + 3.0}

    part = (w * (x - b)).sum(-1)
    expected = np.zeros_like(part)
    cover = np.zeros_like(part)
    for top in starts(height, patch[0], stride[0]):
        for left in starts(width, patch[1], stride[1]):
            under = np.s_[:, top : top + patch[0], left : left + patch[1]]
            expected[under] += part[under].sum((1, 2), keepdims=True)
            cover[under] += 1
    graph = Graph.from_function(score.get_concrete_function())
    found = Occlusion(graph, patch=patch, stride=stride, baseline=b)(x, Latent(0)).values
    np.testing.assert_allclose(found, expected / cover, rtol=1e-4, atol=2e-5)


def test_disjoint_patches_of_a_linear_model_add_up(linear, images):
    """Completeness: the patches' falls are that of the whole image."""
    weights, graph = linear
    found = Occlusion(graph, patch=4, stride=4)(images, Latent.all()).values
    sums = found.sum((2, 3)) / 16
    np.testing.assert_allclose(sums, images.reshape(7, -1) @ weights, rtol=1e-4, atol=1e-5)


def test_vectors_hide_coordinates(decoder, codes):
    mask = np.eye(12)
    found = Occlusion(decoder.graph)(codes, Pixels(mask), batch_size=3)
    assert found.values.shape == codes.shape and found.settings["patch"] == [1]

    def pixels(z):
        return (tf.sigmoid(decoder.model(z))[..., 0].numpy() * mask).sum((1, 2))

    for i in range(codes.shape[1]):
        hidden = codes.copy()
        hidden[:, i] = 0
        agree(found.values[:, i], pixels(codes) - pixels(hidden))
    pairs = Occlusion(decoder.graph, patch=2, stride=2, baseline=1.5)(codes, Pixels(mask)).values
    falls = []
    for start in (0, 2, 3):
        hidden = codes.copy()
        hidden[:, start : start + 2] = 1.5
        falls.append(pixels(codes) - pixels(hidden))
    expected = [falls[0], falls[0], falls[1], (falls[1] + falls[2]) / 2, falls[2]]
    agree(pairs, np.transpose(expected))


def test_targets_of_every_kind(autoencoder, decoder, discriminator, classifier, images, codes):
    """Targets that read the input, rows, another model's score, a layer."""

    def error(x, i):
        return tf.reduce_sum((x - tf.sigmoid(autoencoder.model(x))) ** 2)

    def row(x, i):
        return classifier.model(x)[0, i % 4]

    def judged(x, i):
        return discriminator.model(tf.sigmoid(autoencoder.model(x)))[0, 0]

    def channel(x, i):
        return tf.reduce_mean(discriminator.model.layers[1](x)[0, :, :, 2])

    labels = np.arange(3) % 4
    cases = [
        (autoencoder, ReconstructionError(), error),
        (classifier, ClassLogit(labels), row),
        (autoencoder, Discriminator(discriminator.graph), judged),
        (discriminator, Unit(discriminator.model.layers[1].name, 2), channel),
    ]
    for tiny, target, scalar in cases:
        found = Occlusion(tiny.graph, patch=6, stride=6)(images[:3], target, batch_size=2).values
        agree(found, slow_occlusion(scalar, images[:3], (6, 6), (6, 6)))
    found = Occlusion(decoder.graph)(codes[:3], ReconstructionError(images[:3]), batch_size=2)
    for i in range(5):
        hidden = codes[:3].copy()
        hidden[:, i] = 0
        errors = [
            ((images[:3] - tf.sigmoid(decoder.model(z)).numpy()) ** 2).sum((1, 2, 3))
            for z in (codes[:3], hidden)
        ]
        agree(found.values[:, i], errors[0] - errors[1])


def test_families_and_batches(encoder, images, monkeypatch):
    """T targets in one pass; neither the batch nor the number of rows at a time matters."""
    method = Occlusion(encoder.graph)
    every = method(images, Latent.all())
    assert every.values.shape == (7, 5, 12, 12)
    for size in (1, 3):
        again = method(images, Latent.all(), batch_size=size).values
        np.testing.assert_allclose(again, every.values, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        method(images, Latent(3)).values, every.values[:, 3], rtol=1e-4, atol=1e-6
    )
    monkeypatch.setattr(perturbation, "ROWS", 10)
    few = Occlusion(encoder.graph)(images[:3], Latent.all()).values
    np.testing.assert_allclose(few, every.values[:3], rtol=1e-4, atol=1e-6)
    for compiled in method._compiled.values():
        assert compiled.experimental_get_tracing_count() == 1


def test_noise_is_that_of_the_sample(encoder, images):
    """What the graph draws for a sample stays while its patches are hidden."""
    noise = np.stack([np.random.default_rng([3, 0, i]).standard_normal(5) for i in range(3)])

    def sample(x, i):
        mean, logvar = encoder.model(x)
        return (mean + tf.exp(0.5 * logvar) * np.float32(noise[i]))[0, 2]

    target = Latent(2, at="sample")
    found = Occlusion(encoder.graph, patch=6, seed=3)(images[:3], target, batch_size=2).values
    agree(found, slow_occlusion(sample, images[:3], (6, 6), (3, 3)))


def test_other_inputs_are_repeated(images):
    """Labels with one row a sample, and a number that holds for the whole batch."""

    def encode(image, label, scale):
        weight = tf.gather(tf.constant([1.0, -3.0]), label) * scale
        return {"mean": (tf.reduce_sum(image, [1, 2, 3]) * weight)[:, None]}

    specs = [
        tf.TensorSpec((None, 12, 12, 1), tf.float32, name="image"),
        tf.TensorSpec((None,), tf.int64, name="label"),
        tf.TensorSpec((), tf.float32, name="scale"),
    ]
    concrete = tf.function(encode, input_signature=specs).get_concrete_function()
    graph = Graph.from_function(concrete)
    labels = np.array([0, 1, 1, 0, 0, 1, 0])
    method = Occlusion(graph, patch=12)
    explained = Latent(0).on(graph)
    feeds = Feeds({"image": images, "label": labels, "scale": np.float32(2.0)}, explained.shared)
    found = method.explain_batch(feeds, explained, 0).values[:, 0, 0, 0]
    expected = images.sum((1, 2, 3)) * np.array([2.0, -6.0])[labels]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_graphs_of_a_fixed_batch_and_of_whole_numbers(classifier, images):
    def pale(image):
        return classifier.model(tf.cast(image, tf.float32) / 255.0)

    spec = tf.TensorSpec((4, 12, 12, 1), tf.uint8, name="pixels")
    graph = Graph.from_function(
        tf.function(lambda pixels: {"logits": pale(pixels)}, input_signature=[spec])
        .get_concrete_function()
    )  # fmt: skip
    pixels = np.uint8(255 * images[:6])
    found = Occlusion(graph, patch=6, baseline=99.7)(pixels, ClassLogit(2)).values
    agree(found, slow_occlusion(lambda x, i: pale(x)[0, 2], pixels, (6, 6), (3, 3), 100))


def test_memory_bounds_the_batch(encoder, images, monkeypatch):
    monkeypatch.setattr(perturbation, "MEMORY", 20_000)
    method = Occlusion(encoder.graph)
    assert method.rows_at_once(Latent.all().on(encoder.graph)) == 20_000 // (4 * 144 * 6)
    found = method(images, Latent.all()).values
    monkeypatch.undo()
    np.testing.assert_allclose(found, method(images, Latent.all()).values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 13}, "patch= must be whole numbers from 1 to the size of the input, 12 x 12"),
        ({"patch": (4, 0)}, "patch= must be whole"),
        ({"patch": (4, 4, 4)}, "patch= must be whole"),
        ({"patch": 2.5}, "patch= must be whole"),
        ({"stride": 5}, "stride= must be .* the patch, so that no place is left out, 4 x 4"),
        ({"baseline": "blur"}, "baseline= is a number, an array"),
    ],
)
def test_wrong_options(encoder, options, message):
    with pytest.raises(UsageError, match=message):
        Occlusion(encoder.graph, **options)


def test_wrong_baselines_and_inputs(encoder, decoder):
    with pytest.raises(InvalidInputError, match="does not fit an input of"):
        Occlusion(encoder.graph, baseline=np.zeros((12, 12, 3)))
    with pytest.raises(InvalidInputError, match="NaN"):
        Occlusion(encoder.graph, baseline=np.nan)
    with pytest.raises(UsageError, match="'mean'"):
        Occlusion(decoder.graph, baseline="mean")
    spec = tf.TensorSpec((None, 5, 4), tf.float32, name="series")
    series = tf.function(lambda series: {"mean": series[:, 0]}, input_signature=[spec])
    with pytest.raises(UsageError, match=r"has shape \(N, 5, 4\)"):
        Occlusion(Graph.from_function(series.get_concrete_function()))
