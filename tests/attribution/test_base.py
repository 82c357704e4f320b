import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import Attribution, LatentGradCAM, Saliency
from tfgenxai.attribution.base import CompiledMethod, Explanation
from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Latent, ReconstructionError


@pytest.fixture(scope="module")
def method(encoder):
    return Saliency(encoder.graph)


@pytest.fixture(scope="module")
def expected(method, images):
    return method(images, Latent(1), batch_size=100).values


def image_data(pixels):
    return ImageData("drawn", "test", pixels, "drawn", "for this test")


def test_every_kind_of_input(method, images, expected):
    slices = tf.data.Dataset.from_tensor_slices
    unknown = slices(images).filter(lambda x: True)
    several = {
        "tensor": tf.constant(images),
        "list": [list(map(np.asarray, image)) for image in images],
        "float64": images.astype(np.float64),
        "mapping": {"image": images},
        "samples": slices(images),
        "batches": slices(images).batch(3),
        "with labels": slices((images, np.arange(7))).batch(4),
        "by name": slices({"image": images, "name": np.arange(7)}),
        "of unknown length": unknown,
        "batches of unknown length": unknown.batch(2),
    }
    for name, given in several.items():
        values = method(given, Latent(1), batch_size=3).values
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7, err_msg=name)


def test_image_data(method, images):
    pixels = np.uint8(images * 255)
    found = method(image_data(pixels), Latent(1), batch_size=2).values
    array = method(pixels.astype(np.float32) / 255, Latent(1)).values
    np.testing.assert_allclose(found, array, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_batch_size_does_not_matter(method, images, expected, size):
    values = method(images, Latent(1), batch_size=size).values
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)


def test_a_run_is_repeatable(encoder, images):
    target = Latent(1, at="sample")
    first = Saliency(encoder.graph, seed=5)(images, target)
    assert first.settings["seed"] == 5
    again = Saliency(encoder.graph, seed=5)(images, target)
    np.testing.assert_array_equal(first.values, again.values)
    batches = Saliency(encoder.graph, seed=5)(images, target, batch_size=2)
    np.testing.assert_allclose(first.values, batches.values, rtol=1e-5, atol=1e-7)
    other = Saliency(encoder.graph, seed=6)(images, target)
    assert np.abs(first.values - other.values).max() > 1e-3


def test_values_stream_to_a_file(encoder, images, tmp_path):
    method = LatentGradCAM(encoder.graph)
    expected = method(images).values
    unknown = tf.data.Dataset.from_tensor_slices(images).filter(lambda x: True)
    for given in (images, unknown):
        out = tmp_path / "sub" / "maps.npy"
        found = method(given, out=out, batch_size=2)
        assert isinstance(found.values, np.memmap)
        np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(np.load(out), found.values)
        assert [path.name for path in out.parent.iterdir()] == ["maps.npy"]


def test_a_failing_run_leaves_the_old_file(method, images, tmp_path):
    out = tmp_path / "maps.npy"
    out.write_bytes(b"old")
    broken = images.copy()
    broken[5, 0, 0] = np.nan
    with pytest.raises(InvalidInputError, match="NaN"):
        method(broken, Latent(0), out=out, batch_size=2)
    assert out.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UsageError, match=r"\.npy"):
        method(images, Latent(0), out=tmp_path / "maps.npz")


def dataset(array):
    return tf.data.Dataset.from_tensor_slices(array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[0], r"must have shape \(N, 12, 12, 1\), not \(12, 12, 1\); .*image\[None\]"),
        (lambda x: x[..., 0], r"must have shape \(N, 12, 12, 1\), not \(7, 12, 12\)"),
        (lambda x: np.concatenate([x, x], axis=1), "must have shape"),
        (lambda x: x * 255, r"must lie in \[0, 1\].*Divide grey levels by 255"),
        (lambda x: np.uint8(x * 255), r"must lie in \[0, 1\]"),
        (lambda x: x - 0.5, r"must lie in \[0, 1\]"),
        (lambda x: np.where(x > 0.9, np.nan, x), "NaN or infinite"),
        (lambda x: np.where(x > 0.9, np.inf, x), "NaN or infinite"),
        (lambda x: x[:0], "nothing to explain"),
        (lambda x: "image.png", "array of numbers"),
        (lambda x: [[1.0], [2.0, 3.0]], "array of numbers"),
        (lambda x: None, "array of numbers"),
        (lambda x: dataset(x[:0]), "nothing to explain"),
        (lambda x: dataset(x).filter(lambda y: False), "nothing to explain"),
        (lambda x: dataset(x * 2).batch(2), r"must lie in \[0, 1\]"),
        (lambda x: dataset(x[:, :8]), "must have shape"),
    ],
)
def test_bad_inputs(method, images, change, message):
    with pytest.raises(InvalidInputError, match=message):
        method(change(images), Latent(0))


def test_bad_calls(method, images):
    with pytest.raises(UsageError, match="Say what to explain with target="):
        method(images)
    with pytest.raises(UsageError, match="3 is none"):
        method(images, 3)
    with pytest.raises(UsageError, match="batch_size must be at least 1"):
        method(images, Latent(0), batch_size=0)
    with pytest.raises(UsageError, match="repeats for ever"):
        method(dataset(images).repeat(), Latent(0))
    with pytest.raises(UsageError, match="takes image, and was given picture"):
        method({"picture": images}, Latent(0))
    with pytest.raises(UsageError, match="no image, which the graph takes"):
        method(dataset({"picture": images}), Latent(0))


def test_inputs_that_are_no_images_have_any_range(decoder, codes, images):
    found = Saliency(decoder.graph)(codes * 10, ReconstructionError(images))
    assert found.values.shape == codes.shape


def test_rows_of_a_target_must_fit_the_inputs(classifier, images):
    method = Saliency(classifier.graph)
    for count in (6, 8):
        target = ClassLogit(np.zeros(count, int))
        with pytest.raises(InvalidInputError, match=f"rows for {count} samples"):
            method(images, target)
        with pytest.raises(InvalidInputError, match=f"rows for {count} samples"):
            method(dataset(images).batch(7), target, batch_size=3)


@pytest.fixture(scope="module")
def conditional():
    """scale[label] * sum of the image, two inputs."""

    def encode(image, label):
        scale = tf.gather(tf.constant([1.0, -3.0]), label)
        return {"mean": (tf.reduce_sum(image, [1, 2, 3]) * scale)[:, None]}

    specs = [
        tf.TensorSpec((None, 12, 12, 1), tf.float32, name="image"),
        tf.TensorSpec((None,), tf.int64, name="label"),
    ]
    return Graph.from_function(tf.function(encode, input_signature=specs).get_concrete_function())


def test_graphs_of_several_inputs(conditional, images):
    method = Saliency(conditional, signed=True)
    labels = np.array([0, 1, 1, 0, 0, 1, 0])
    expected = np.array([1.0, -3.0])[labels]
    data = image_data(np.uint8(images * 255))
    object.__setattr__(data, "labels", labels)
    given = [
        {"label": labels, "image": images},
        dataset((images, labels)).batch(2),
        dataset({"image": images, "label": labels}),
        data,
    ]
    for inputs in given:
        found = method(inputs, Latent(0), batch_size=3)
        np.testing.assert_allclose(found.values[:, 3, 4, 0], expected)
    with pytest.raises(UsageError, match="takes image, label, and was given image"):
        method(images, Latent(0))
    with pytest.raises(InvalidInputError, match="different numbers of samples"):
        method({"image": images, "label": labels[:3]}, Latent(0))
    with pytest.raises(InvalidInputError, match="'label' must be whole numbers"):
        method({"image": images, "label": labels + 0.5}, Latent(0))


class Conserving(CompiledMethod):
    """Gives a delta, as methods with a sum rule do."""

    name = "conserving"

    def kernel(self, explained):
        def kernel(feeds):
            scores = explained.scores(feeds)
            return Explanation(scores[:, :, None], 2.0 * scores, {"bias": 3.0 * scores})

        return kernel


def test_convergence_delta_goes_with_the_values(encoder, images):
    method = Conserving(encoder.graph)
    family = method(images, Latent.all(), batch_size=3)
    np.testing.assert_allclose(family.convergence_delta, 2 * family.values[:, :, 0])
    one = method(images, Latent(2))
    assert one.convergence_delta.shape == (7,)
    np.testing.assert_allclose(one.convergence_delta, family.convergence_delta[:, 2], rtol=1e-5)
    for found in (family, one):
        np.testing.assert_allclose(found.delta_parts["bias"], 1.5 * found.convergence_delta)
        assert len(found[2:5].delta_parts["bias"]) == 3


def test_deltas_are_saved(encoder, images, tmp_path):
    found = Conserving(encoder.graph)(images, Latent.all())
    read = Attribution.load(found.save(tmp_path / "a.npz"))
    np.testing.assert_array_equal(read.convergence_delta, found.convergence_delta)
    np.testing.assert_array_equal(read.delta_parts["bias"], found.delta_parts["bias"])
    one = read.target(2)
    np.testing.assert_array_equal(one.delta_parts["bias"], found.delta_parts["bias"][:, 2])


def test_progress_goes_to_stderr(method, images, capsys):
    method(images, Latent(0), batch_size=2, progress=True)
    method(images, Latent(0), batch_size=2)
    assert capsys.readouterr().out == ""
