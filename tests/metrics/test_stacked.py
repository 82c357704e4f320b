import itertools

import numpy as np
import pytest

from tests.metrics.judges import network
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import read
from tfgenxai.metrics.stacked import channel_votes, stack, stacked_modes


def test_every_triple_is_a_mode():
    stacks = np.array(list(itertools.product(range(4), repeat=3)))
    found = stacked_modes(stacks, np.full(4, 0.25))
    assert (found.modes, found.total, found.n) == (64, 64, 64)
    assert found.kl == pytest.approx(0, abs=1e-12)


def test_order_matters_and_one_mode_is_far_from_even():
    found = stacked_modes(np.array([[0, 0, 1], [0, 1, 0], [0, 0, 1]]), np.array([0.5, 0.5]))
    assert found.modes == 2
    assert found.kl == pytest.approx(2 / 3 * np.log(2 / 3 * 8) + 1 / 3 * np.log(1 / 3 * 8))
    alone = stacked_modes(np.tile([[3, 1, 4]], (5, 1)), np.full(10, 0.1))
    assert alone.modes == 1 and alone.kl == pytest.approx(np.log(1000))


@pytest.mark.parametrize("n", [500, 3000])
def test_even_digits_hit_the_expected_number_of_modes(n):
    stacks = stack(np.arange(10), n, seed=1)
    found = stacked_modes(stacks, np.full(10, 0.1))
    missed = 0.999**n
    expected = 1000 * (1 - missed)
    deviation = np.sqrt(1000 * missed * (1 - missed))  # an upper bound: misses repel
    assert abs(found.modes - expected) < 4 * deviation
    assert found.n == n


def test_chance_alone_has_a_known_divergence():
    found = stacked_modes(stack(np.arange(10), 26_000), np.full(10, 0.1))
    assert found.modes == 1000
    assert found.kl == pytest.approx(999 / (2 * 26_000), rel=0.2)


def test_uneven_digits_against_their_own_shares_and_against_even_ones():
    votes = np.repeat(np.arange(4), [4, 3, 2, 1])
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    stacks = stack(votes, 40_000, seed=2)
    assert stacked_modes(stacks, shares).kl == pytest.approx(63 / 80_000, rel=0.5)
    expected = 3 * np.sum(shares * np.log(shares / 0.25))
    assert stacked_modes(stacks, np.full(4, 0.25)).kl == pytest.approx(expected, rel=0.02)


def test_stacks_are_independent_draws_with_a_seed():
    votes = np.arange(10)
    stacks = stack(votes, 20_000, seed=3)
    assert np.abs(np.corrcoef(stacks.T) - np.eye(3)).max() < 0.03
    np.testing.assert_array_equal(stacks, stack(votes, 20_000, seed=3))
    assert not np.array_equal(stacks, stack(votes, 20_000, seed=4))


def test_channels_are_read_one_by_one():
    _, graph = network(5, 3)
    images = np.random.default_rng(4).random((20, 4, 4, 3), dtype=np.float32)
    found = channel_votes(graph, images)
    assert found.shape == (20, 3)
    for channel in range(3):
        one = np.ascontiguousarray(images[..., channel])[..., None]
        np.testing.assert_array_equal(found[:, channel], read(graph, one).votes)


def test_errors():
    _, graph = network(5, 3)
    with pytest.raises(InvalidInputError, match=r"images \(N, H, W, 3\)"):
        channel_votes(graph, np.zeros((2, 4, 4, 1), np.float32))
    with pytest.raises(InvalidInputError, match=r"classes \(n, 3\)"):
        stacked_modes(np.zeros((4, 2), int), np.full(2, 0.5))
    with pytest.raises(InvalidInputError, match="from 0 to 1"):
        stacked_modes(np.full((4, 3), 2), np.full(2, 0.5))
