"""Graphs and inputs out of the ordinary: fixed batches, free sizes, half precision, streams."""

import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import Occlusion, Saliency
from tfgenxai.attribution.base import CompiledMethod
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Latent,
    NegativeElbo,
    Output,
    Pixels,
    ReconstructionError,
    Scalar,
    Unit,
)

SIDE, PIXELS, CLASSES = 12, 144, 4
KERNEL = np.random.default_rng(0).standard_normal((3, 3, 1, CLASSES)).astype(np.float32)
MATRIX = 0.1 * np.random.default_rng(1).standard_normal((PIXELS, PIXELS)).astype(np.float32)
LABELS = np.array([0, 3, 1, 1, 2, 0, 3])


def freeze(function, *specs):
    return Graph.from_function(
        tf.function(function, input_signature=list(specs)).get_concrete_function()
    )


def convolutional(batch=None, side=SIDE, dtype=tf.float32):
    """Means of feature maps, for images of any size unless it is fixed."""

    def classify(image):
        maps = tf.tanh(tf.nn.conv2d(image, tf.cast(KERNEL, dtype), 2, "SAME", name="maps"))
        return {"logits": tf.reshape(tf.reduce_mean(maps, [1, 2]), (batch or -1, CLASSES))}

    return freeze(classify, tf.TensorSpec((batch, side, side, 1), dtype, name="image"))


def restoring(side=SIDE, dtype=tf.float32):
    """An image out of a linear map of the image, and a posterior."""

    def reconstruct(image):
        flat = tf.reshape(image, (-1, PIXELS)) @ tf.cast(MATRIX, dtype)
        logits = tf.reshape(flat, tf.shape(image))
        mean = flat[:, :3]
        code = {"mean": mean, "logvar": 0.1 * mean, "z": mean + 0.5}
        return {"image": tf.sigmoid(logits), "logits": logits, **code}

    return freeze(reconstruct, tf.TensorSpec((None, side, side, 1), dtype, name="image"))


def same(found, expected, tolerance=1e-5):
    assert found.dtype == np.float32
    largest = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * largest)


def scores(target, graph, images):
    explained = target.on(graph)
    feeds = Feeds({"image": images}, explained.shared, explained.rows)
    return explained.scores(feeds).numpy()


# -- graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("method", [Saliency, Occlusion])
def test_a_graph_of_a_fixed_batch(images, batch, method):
    free, fixed = method(convolutional()), method(convolutional(batch))
    for target in (ClassLogit(LABELS), ClassLogit.all()):
        # Of 7 samples the last is alone.
        same(fixed(images, target).values, free(images, target).values)
    few = fixed(images[:2], ClassLogit(1), batch_size=1)
    same(few.values, free(images[:2], ClassLogit(1)).values)
    stream = fixed(iter(images), ClassLogit(1), batch_size=5)
    same(stream.values, free(images, ClassLogit(1)).values)


def test_images_of_any_size(images):
    method = Saliency(convolutional(side=None))
    expected = Saliency(convolutional())(images, ClassLogit(2))
    found = method(images, ClassLogit(2))
    same(found.values, expected.values)
    assert found.input_shape == (SIDE, SIDE, 1)
    larger = np.random.default_rng(0).random((2, 15, 9, 1), dtype=np.float32)
    found = method(larger, ClassLogit(2))
    assert found.input_shape == found.map_shape == (15, 9, 1)
    same(found.values, slopes(larger, 2))
    for batch in (1, 2):  # in one batch, and in two
        with pytest.raises(InvalidInputError, match=r"different shapes, \(12, 12, 1\) and \(15, 9"):
            method(iter([images[:2], larger]), ClassLogit(2), batch_size=batch)


def slopes(image, channel):
    """d mean tanh(conv) / dx, by the transposed convolution."""
    maps = tf.nn.conv2d(image, KERNEL[..., channel:][..., :1], 2, "SAME")
    outer = (1 - tf.tanh(maps) ** 2) / (maps.shape[1] * maps.shape[2])
    back = tf.nn.conv2d_transpose(outer, KERNEL[..., channel:][..., :1], image.shape, 2, "SAME")
    return np.abs(back)


def test_targets_on_images_of_any_size(images):
    fixed, free = restoring(), restoring(None)
    for target in (
        Pixels(images[0] > 0.5),
        Pixels(images[..., 0] > 0.5, "logits"),
        ReconstructionError(),
        ReconstructionError(images[::-1]),
        NegativeElbo(),
        Unit("logits", 0),
    ):
        same(scores(target, free, images), scores(target, fixed, images))
    with pytest.raises(InvalidInputError, match="The mask has shape"):
        Pixels(np.ones((7, 5, 12, 12, 1))).on(free)
    with pytest.raises(UsageError, match="every axis but the batch must have a fixed length"):
        Output("logits", (0, 0, 0)).on(free)


@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.float16, 1e-2), (tf.bfloat16, 1e-1)])
def test_half_precision(images, dtype, tolerance):
    whole, half = restoring(), restoring(dtype=dtype)
    halved = tf.cast(images, dtype)
    rounded = tf.cast(halved, tf.float32).numpy()
    expected = Saliency(whole)(rounded, Latent.all()).values
    method = Saliency(half)
    for given in (halved, rounded, halved.numpy(), iter(halved)):
        same(method(given, Latent.all()).values, expected, tolerance)

    decoder = freeze(
        lambda z: {"logits": tf.reshape(tf.tile(z, [1, 48]), (-1, SIDE, SIDE, 1))},
        tf.TensorSpec((None, 3), dtype, name="z"),
    )
    for target in (
        Output("image", (3, 4, 0)),
        Pixels(images[0] > 0.5),
        ReconstructionError(),
        ReconstructionError(images),
        NegativeElbo(likelihood="gaussian"),
        NegativeElbo(model=decoder),
        ClassLogit(2, convolutional()),
        Scalar(lambda outputs: tf.reduce_sum(outputs["image"] ** 2, axis=[1, 2, 3]), ("image",)),
    ):
        same(scores(target, half, halved), scores(target, whole, rounded), tolerance)


def test_the_input_of_real_numbers_is_explained(images):
    def encode(label, picture):
        scale = tf.gather(tf.constant([1.0, -3.0]), label)
        return {"mean": (tf.reduce_sum(picture, [1, 2, 3]) * scale)[:, None]}

    graph = freeze(
        encode,
        tf.TensorSpec((None,), tf.int64, name="label"),
        tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="picture"),
    )
    assert list(graph.inputs) == ["label", "picture"]
    labels = LABELS % 2
    for inputs in ({"picture": images, "label": labels}, iter(zip(labels, images))):
        found = Saliency(graph, signed=True)(inputs, Latent(0), batch_size=3)
        np.testing.assert_allclose(found.values[:, 2, 5, 0], np.array([1.0, -3.0])[labels])
    with pytest.raises(UsageError, match="'label' is of type int64"):
        Saliency(graph, wrt="label")


def test_a_target_out_of_reach_is_an_error(images):
    def two_ways(image, code):
        return {"mean": 2.0 * code, "logits": tf.reshape(image, (-1, PIXELS))}

    graph = freeze(
        two_ways,
        tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="image"),
        tf.TensorSpec((None, 3), tf.float32, name="code"),
    )
    inputs = {"image": images, "code": np.zeros((7, 3), np.float32)}
    message = "z0 does not depend on the input 'image', so that there is nothing to explain"
    for method in (Saliency, Occlusion):
        with pytest.raises(UsageError, match=message):
            method(graph)(inputs, Latent(0))
    found = Saliency(graph, wrt="code")(inputs, Latent(0))
    np.testing.assert_allclose(found.values, np.tile([2.0, 0.0, 0.0], (7, 1)))
    assert found.input_shape == (3,)


# -- inputs -------------------------------------------------------------------------------------


def test_iterators(images):
    method = Saliency(convolutional())
    expected = method(images, ClassLogit(LABELS)).values
    several = {
        "samples": iter(images),
        "batches": iter([images[:3], images[3:4], images[4:]]),
        "empty batches among them": iter([images[:0], images[:5], images[5:5], images[5:]]),
        "tensors": iter([tf.constant(images)]),
        "with labels": iter(zip(images, LABELS)),
        "by name": ({"image": image, "more": 3} for image in images),
        "lists": (image.tolist() for image in images),
    }
    for name, given in several.items():
        found = method(given, ClassLogit(LABELS), batch_size=2)
        np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-7, err_msg=name)
    with pytest.raises(InvalidInputError, match="nothing to explain"):
        method(iter([]), ClassLogit(1))
    with pytest.raises(InvalidInputError, match="nothing to explain"):
        method(iter([images[:0]]), ClassLogit(1))
    with pytest.raises(InvalidInputError, match=r"must have shape \(N, 12, 12, 1\)"):
        method(iter([images[:, :4]]), ClassLogit(1))
    with pytest.raises(InvalidInputError, match="rows for 7 samples"):
        method(iter(images[:5]), ClassLogit(LABELS), batch_size=2)
    with pytest.raises(InvalidInputError, match="rows for 7 samples"):
        method(iter([images, images]), ClassLogit(LABELS), batch_size=5)
    with pytest.raises(UsageError, match="has no image, which the graph takes"):
        method(iter([{"picture": images}]), ClassLogit(1))


class Copy(CompiledMethod):
    """Gives the input back."""

    name = "copy"

    def kernel(self, explained):
        return lambda feeds: feeds.inputs[self.wrt][:, None]


def test_memory_does_not_grow_with_the_number_of_samples(tmp_path):
    count, side = 3000, 64
    batch = 4 * 64 * side * side
    graph = freeze(
        lambda image: {"mean": tf.reduce_mean(image, axis=[1, 2])},
        tf.TensorSpec((None, side, side, 1), tf.float32, name="image"),
    )
    shape = (count, side, side, 1)
    images = np.lib.format.open_memmap(tmp_path / "in.npy", "w+", np.float32, shape)
    for start in range(0, count, 100):
        images[start : start + 100] = start / count
    images.flush()

    def generated():
        yield from (np.asarray(images[i : i + 70]) for i in range(0, count, 70))

    method = Copy(graph)
    method(images[:64], Latent(0))
    tracemalloc.start()
    for given in (np.load(tmp_path / "in.npy", mmap_mode="r"), generated()):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found = method(given, Latent(0), out=tmp_path / "out.npy")
        assert tracemalloc.get_traced_memory()[1] - before < 8 * batch  # of 47
        assert found.values.shape == shape
        assert found.values[-1, 0, 0, 0] == images[-1, 0, 0, 0]
    tracemalloc.stop()


def test_rows_of_a_target_stay_on_disk(images, tmp_path):
    np.save(tmp_path / "rows.npy", images)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    (rows,) = ReconstructionError(mapped).on(restoring()).rows
    assert isinstance(rows.base, np.memmap) or np.shares_memory(rows, mapped)


# -- interruptions ------------------------------------------------------------------------------


class Stopped(Copy):
    """Is stopped in the second batch."""

    error = KeyboardInterrupt

    def explain_batch(self, feeds, explained, start):
        if start:
            raise self.error
        return super().explain_batch(feeds, explained, start)


def test_an_interrupted_run_leaves_the_old_file_and_no_other(images, tmp_path):
    out = tmp_path / "maps.npy"
    for before in (None, b"old"):
        if before:
            out.write_bytes(before)
        with pytest.raises(KeyboardInterrupt):
            Stopped(convolutional())(images, ClassLogit(0), out=out, batch_size=3)
        assert [path.name for path in tmp_path.iterdir()] == (["maps.npy"] if before else [])
    assert out.read_bytes() == b"old"


def test_too_little_memory(images, monkeypatch):
    monkeypatch.setattr(Stopped, "error", tf.errors.ResourceExhaustedError(None, None, "out"))
    with pytest.raises(UsageError, match="memory to explain 3 samples together: lower batch_size"):
        Stopped(convolutional())(images, ClassLogit(0), batch_size=3)


def test_seeds():
    for seed in (-1, 0.5, "0", None, True):
        with pytest.raises(UsageError, match="seed= must be a whole number from 0"):
            Saliency(convolutional(), seed=seed)
    assert Saliency(convolutional(), seed=np.int64(3)).settings() == {
        "seed": 3,
        "wrt": "image",
        "signed": False,
    }


def test_an_iterator_that_fails_leaves_no_file(images, tmp_path):
    def failing():
        yield images
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        Saliency(convolutional())(failing(), ClassLogit(0), out=tmp_path / "maps.npy", batch_size=2)
    assert not list(tmp_path.iterdir())
