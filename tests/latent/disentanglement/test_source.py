"""Draws from pools and simulators: what is fixed is fixed, the rest follows its frequencies."""

import itertools

import numpy as np
import pytest

from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.disentanglement import Pool, Simulator

GRID = np.array(list(itertools.product(range(3), range(4))))


def grid_pool(copies=1):
    factors = np.tile(GRID, (copies, 1))
    return Pool(np.arange(len(factors)), {"a": factors[:, 0], "b": factors[:, 1]})


def image_data(count=40):
    rng = np.random.default_rng(0)
    codes = {"hat": rng.integers(0, 2, count), "hair": rng.integers(0, 5, count)}
    pixels = np.stack([codes["hat"], codes["hair"]], axis=1).astype(np.uint8)
    return ImageData(
        name="toy",
        split="train",
        pixels=pixels.reshape(count, 1, 2, 1) * 51,
        source="drawn",
        source_detail="",
        factor_codes=codes,
        factor_values={"hat": ("no", "yes"), "hair": tuple("01234")},
    )


def test_samples_belong_to_their_factors():
    rng = np.random.default_rng(0)
    pool = grid_pool()
    sample = pool.draw(12, rng)
    assert sorted(sample.values) == list(range(12))  # each once
    assert np.array_equal(sample.factors, GRID[sample.values])
    wanted = rng.integers(0, 4, 500)
    fixed = pool.draw(500, rng, fixed=(1, wanted))
    assert np.array_equal(fixed.factors[:, 1], wanted)
    assert np.array_equal(fixed.factors, GRID[fixed.values])


@pytest.mark.parametrize("kind", ["pool", "simulator"])
def test_a_whole_grid_is_drawn_as_independent_uniform_factors_are(kind):
    rng = np.random.default_rng(1)
    source = grid_pool() if kind == "pool" else Simulator({"a": 3, "b": 4}, lambda f: f)
    drawn = source.draw(6000, rng, fixed=(1, np.full(6000, 2))).factors
    assert (drawn[:, 1] == 2).all()
    shares = np.bincount(drawn[:, 0], minlength=3) / 6000
    assert np.abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 6000)


def test_other_factors_follow_the_frequencies_of_the_pool():
    a = np.array([0] * 10 + [1] * 10)
    b = np.array([0] * 9 + [1] + [0] * 2 + [1] * 8)
    drawn = Pool(np.zeros(20), {"a": a, "b": b}).draw(
        6000, np.random.default_rng(2), fixed=(0, np.repeat([0, 1], 3000))
    )
    for value, expected in ((0, 0.1), (1, 0.8)):
        share = drawn.factors[drawn.factors[:, 0] == value, 1].mean()
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 3000)


def test_parts_share_no_sample_and_keep_the_codes_of_values():
    pool = grid_pool(copies=20)
    train, test = pool.split(150, 60, np.random.default_rng(3))
    assert (len(train), len(test)) == (150, 60)
    assert not set(train.values) & set(test.values)
    for part in (train, test):
        assert np.array_equal(part.factors, pool.factors[part.values])


def test_mapping_a_pool_turns_every_image_to_its_code_once():
    data = image_data(600)
    seen = []

    def encode(images):
        assert images.dtype == np.float32 and images.max() <= 1
        seen.append(len(images))
        return images.reshape(len(images), -1) * 5

    pool = Pool.of(data).map(encode)
    assert sum(seen) == 600 and max(seen) <= 256
    np.testing.assert_allclose(pool.values, pool.factors, atol=1e-6)
    assert pool.names == ("hat", "hair")
    sample = Simulator({"a": 3, "b": 2}, lambda f: f + 1).map(lambda v: v * 10)
    drawn = sample.draw(9, np.random.default_rng(0))
    assert np.array_equal(drawn.values, (drawn.factors + 1) * 10)
    assert sample.split(5, 5, np.random.default_rng(0)) == (sample, sample)


def test_what_is_wrong_with_a_pool_is_said():
    values = np.arange(12)
    a, b = GRID.T
    with pytest.raises(InvalidInputError, match="two factors or more"):
        Pool(values, {"a": a})
    with pytest.raises(InvalidInputError, match=r"'b' must hold integers.*\(11,\)"):
        Pool(values, {"a": a, "b": b[:-1]})
    for wrong in (b - 1, b / 2):
        with pytest.raises(InvalidInputError, match="integers from 0"):
            Pool(values, {"a": a, "b": wrong})
    with pytest.raises(InvalidInputError, match="'b' has one value in all 12"):
        Pool(values, {"a": a, "b": np.zeros(12, int)})
    rng = np.random.default_rng(0)
    pool = Pool(values, {"a": a, "b": np.where(b == 3, 5, b)})  # a gap: no sample has 3 or 4
    for missing in (3, 6):
        with pytest.raises(InvalidInputError, match="wanted value of 'b'"):
            pool.draw(2, rng, fixed=(1, np.array([0, missing])))
    with pytest.raises(InvalidInputError, match="holds 12 samples, 13 were"):
        pool.draw(13, rng)
    with pytest.raises(InvalidInputError, match="8 to learn from and 5 to test on are 13"):
        pool.split(8, 5, rng)


def test_data_without_factors_or_without_those_named():
    import dataclasses

    data = image_data()
    digits = dataclasses.replace(data, name="mnist", factor_codes=None, factor_values=None)
    with pytest.raises(UsageError, match="mnist knows no factors.*faces, dsprites"):
        Pool.of(digits)
    with pytest.raises(UsageError, match="no factor 'nose'; it has hat, hair"):
        Pool.of(data, ["hat", "nose"])
    assert Pool.of(data, ["hair", "hat"]).names == ("hair", "hat")
