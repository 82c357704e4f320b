import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.block_rank import block_rank, blocks


def rectangle(shape, top, left, height, width):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def by_hand(values, mask):
    """Rank and number of blocks, by looking at each block in turn."""
    height, width = (int(mask.any(axis=axis).sum()) for axis in (1, 0))
    own = sum(values[mask])
    rank, count = 1.0, 1
    for top in range(values.shape[0] - height + 1):
        for left in range(values.shape[1] - width + 1):
            pixels = [(top + i, left + j) for i in range(height) for j in range(width)]
            if any(mask[pixel] for pixel in pixels):
                continue
            total = sum(values[pixel] for pixel in pixels)
            rank += 1.0 if total > own else 0.5 if total == own else 0.0
            count += 1
    return rank, count


@pytest.mark.parametrize("place", [(0, 0, 2, 2), (3, 4, 2, 3), (5, 6, 3, 1), (2, 2, 1, 1)])
def test_the_rank_is_that_of_a_slow_count(place):
    rng = np.random.default_rng(0)
    mask = rectangle((8, 9), *place)
    maps = rng.integers(-3, 6, (5, 8, 9)).astype(np.float32)  # whole numbers tie
    expected = [by_hand(values, mask) for values in maps]
    np.testing.assert_array_equal(block_rank(maps, mask), [rank for rank, _ in expected])
    assert blocks(mask) == expected[0][1]


def test_a_map_of_the_block_alone_is_first_and_an_empty_map_is_in_the_middle():
    mask = rectangle((28, 28), 2, 2, 4, 4)
    maps = np.stack([mask, np.zeros_like(mask), ~mask]).astype(np.float32)
    count = blocks(mask)
    np.testing.assert_array_equal(block_rank(maps, mask), [1, (1 + count) / 2, count])
    np.testing.assert_array_equal(block_rank(-maps, mask), [count, (1 + count) / 2, 1])


def test_random_maps_rank_anywhere():
    mask = rectangle((28, 28), 2, 2, 4, 4)
    ranks = block_rank(np.random.default_rng(1).random((400, 28, 28)), mask) / blocks(mask)
    assert abs(ranks.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 400)


def test_channels_add_up_and_coarse_maps_are_scaled_up():
    mask = rectangle((8, 8), 0, 0, 2, 2)
    colours = np.random.default_rng(2).normal(size=(3, 8, 8, 3))
    np.testing.assert_array_equal(block_rank(colours, mask), block_rank(colours.sum(-1), mask))
    coarse = np.zeros((1, 4, 4))
    coarse[0, 0, 0] = 1
    assert block_rank(coarse, mask) == 1


@pytest.mark.parametrize(
    "mask",
    [np.zeros((8, 8), bool), np.eye(8, dtype=bool), np.ones((1, 8, 8), bool)],
    ids=["empty", "no rectangle", "three axes"],
)
def test_other_masks_are_refused(mask):
    with pytest.raises(InvalidInputError, match="block"):
        block_rank(np.zeros((1, 8, 8)), mask)
