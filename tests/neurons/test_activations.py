import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.neurons.conftest import freeze, image_spec
from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.neurons import activations

NAMES = ["conv_0", "conv_1", "features", "scores"]


def live(model, images):
    outputs = [model.get_layer(name).output for name in NAMES]
    return [np.asarray(v) for v in keras.Model(model.input, outputs)(images)]


def test_they_are_those_of_the_live_model(classifier, images):
    found = activations(classifier.graph, images, batch_size=5)
    assert [*found.values] == [*NAMES, "Softmax"]  # without the layer that only reshapes
    for name, expected in zip(NAMES, live(classifier.model, images)):
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)
    assert found.rows("conv_1").shape == (12, 4 * 4 * 4) and len(found) == 12


def test_the_summary_against_numpy(classifier, images, labels):
    found = activations(classifier.graph, images, NAMES, labels=labels, batch_size=5)
    for name, values in zip(NAMES, live(classifier.model, images)):
        row = found.summary.set_index("layer").loc[name]
        flat = values.reshape(12, -1).astype(np.float64)
        assert row["units"] == values.shape[-1]
        assert row["zeros"] == pytest.approx((values == 0).mean())
        assert row["negative"] == pytest.approx((values < 0).mean())
        assert row["mean"] == pytest.approx(flat.mean(), abs=1e-6)
        assert row["std"] == pytest.approx(flat.std(), abs=1e-6)
        between = total = 0.0
        for column in flat.T:
            for value, label in zip(column, labels):
                between += (column[labels == label].mean() - column.mean()) ** 2
                total += (value - column.mean()) ** 2
        assert row["between"] == pytest.approx(between / total, rel=1e-5)


def test_shuffled_labels_share_as_much_variance_as_chance_says(classifier, images, labels):
    rng = np.random.default_rng(0)
    rows = [
        activations(classifier.graph, images, ["conv_0"], labels=rng.permutation(labels)).summary
        for _ in range(40)
    ]
    mean = np.mean([row["between"][0] for row in rows])
    assert mean == pytest.approx(rows[0]["between_chance"][0], abs=0.02)
    assert rows[0]["between_chance"][0] == pytest.approx(3 / 11)


def test_dead_units_are_those_that_never_change():
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 4)).astype(np.float32)
    kernel[..., 1] = 0.0  # always the bias
    bias = np.array([20.0, 0.7, -1e3, 1e3], np.float32)  # the third is never above 0

    def net(image):
        maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(image, kernel, 1, "VALID"), bias, name="b"))
        return {"maps": tf.identity(maps, name="maps_out")}

    graph = freeze(net, image_spec())
    images = np.random.default_rng(1).random((6, 8, 8, 1), dtype=np.float32)
    assert activations(graph, images, ["maps"]).summary["dead"][0] == 2


@pytest.mark.parametrize("statistic", ["mean", "max"])
def test_large_maps_are_reduced_and_the_summary_is_not(classifier, images, statistic):
    whole = activations(classifier.graph, images)
    limit = 4 * whole["conv_1"].size + 1
    small = activations(classifier.graph, images, statistic=statistic, largest=limit)
    assert small.reduced == ("conv_0",)
    expected = getattr(np, statistic)(whole["conv_0"], axis=(1, 2))
    np.testing.assert_allclose(small["conv_0"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(small["conv_1"], whole["conv_1"])
    assert small.summary.equals(whole.summary)


def test_errors(classifier, encoder, images, labels):
    graph = classifier.graph
    with pytest.raises(LayerNotFoundError, match="conv_0"):
        activations(graph, images, ["conv_00"])
    with pytest.raises(UsageError, match=r"\['conv_0'\]"):
        activations(graph, images, "conv_0")
    with pytest.raises(UsageError, match="random draws"):
        activations(encoder.graph, images, [encoder.graph.outputs["z"].op.name])
    with pytest.raises(UsageError, match="'mean' or 'max'"):
        activations(graph, images, statistic="median")
    with pytest.raises(InvalidInputError, match="shape"):
        activations(graph, images, labels=labels[:3])
    with pytest.raises(LayerNotFoundError, match="recorded"):
        activations(graph, images, ["conv_0"])["conv_1"]
    with pytest.raises(UsageError, match="number of samples"):
        activations(graph, iter(images))
