import numpy as np
import pytest

from tests.metrics.judges import network
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.features import check_rows, last_hidden, read


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((300, 4, 4, 1), dtype=np.float32)


def test_features_are_the_last_hidden_layers(images):
    model, graph = network(7, 5, 3)
    readings = read(graph, images)
    hidden = images.reshape(300, -1)
    for name in ("hidden_0", "hidden_1"):
        kernel, bias = model.get_layer(name).get_weights()
        hidden = np.maximum(hidden @ kernel + bias, 0)
    np.testing.assert_allclose(readings.features, hidden, atol=1e-5)
    expected = model(images)["probabilities"].numpy()
    np.testing.assert_allclose(readings.probabilities, expected, atol=1e-6)
    np.testing.assert_array_equal(readings.votes, expected.argmax(axis=1))
    assert readings.features.dtype == readings.probabilities.dtype == np.float64
    assert len(readings[:9]) == len(readings[:9].probabilities) == 9


def test_errors(images):
    _, graph = network(5, 3)
    with pytest.raises(InvalidInputError, match=r"reads images of shape \(N, 4, 4, 1\), not"):
        read(graph, images[:, :3])
    _, shallow = network(3)
    with pytest.raises(UsageError, match="two layers with weights"):
        last_hidden(shallow)
    with pytest.raises(InvalidInputError, match=r"rows \(N, 4\)"):
        check_rows(np.zeros((3, 5)), width=4)
    with pytest.raises(InvalidInputError, match="at least 2"):
        check_rows(np.zeros((1, 5)))
    with pytest.raises(InvalidInputError, match="NaN"):
        check_rows([[0.0], [np.nan]])
