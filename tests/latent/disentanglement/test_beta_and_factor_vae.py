"""The two metrics that hold a factor fixed, on codes for which the answer is known."""

import numpy as np
import pytest

from tfgenxai.latent.disentanglement import Pool, Simulator, beta_vae, factor_vae

POINTS = (600, 400)
#: Four standard deviations of the share of hits of a coin with chance 1 in 4, thrown 400 times.
LUCK = 4 * np.sqrt(0.25 * 0.75 / 400)


def scores(source):
    return {
        name: metric(source, source, points=POINTS).values[name]
        for name, metric in (("beta_vae", beta_vae), ("factor_vae", factor_vae))
    }


def test_a_perfect_code_is_found_out_every_time(perfect):
    assert scores(perfect) == {"beta_vae": 1.0, "factor_vae": 1.0}


def test_codes_that_know_nothing_are_at_chance(noise):
    for metric in (beta_vae, factor_vae):
        score = metric(noise, noise, points=POINTS)
        (name,) = score.values
        assert score.chance[name] == 0.25
        assert abs(score.values[name] - 0.25) < LUCK


def test_a_code_that_mixes_all_factors_alike_is_at_chance_too(mixed):
    """Whatever factor is fixed, every latent loses a quarter of its variance."""
    found = scores(mixed)
    assert abs(found["factor_vae"] - 0.25) < LUCK
    assert found["beta_vae"] < 0.5  # the largest sums of four say a little


def test_two_factors_in_one_latent(factors):
    """Latents a, b and c + 5 d: when c or d is fixed, the third is the stillest; d decides more."""
    codes = factors.map(lambda v: np.stack([v[:, 0], v[:, 1], v[:, 2] + 5 * v[:, 3]], axis=1))
    score = factor_vae(codes, codes, points=POINTS)
    # Of c and d, the vote of the third latent names one: half of the draws hold one of the two.
    assert 0.6 < score.values["factor_vae"] < 0.9
    assert score.matrix.shape == (4, 3)
    np.testing.assert_allclose(score.matrix.sum(axis=1), 1)
    assert score.matrix[0, 0] == score.matrix[1, 1] == score.matrix[3, 2] == 1


def test_a_latent_without_variance_casts_no_vote(perfect):
    """Unpruned, the fifth latent would have nearly no variance in some groups by mere rounding."""
    still = perfect.map(lambda v: np.column_stack([v, 0.01 * np.sin(1000 * v[:, 0])]))
    score = factor_vae(still, still, points=POINTS)
    assert score.values["factor_vae"] == 1 and (score.matrix[:, 4] == 0).all()
    dead = perfect.map(lambda v: 0.01 * v)
    assert factor_vae(dead, dead, points=POINTS).values["factor_vae"] == 0


def test_the_votes_by_a_slow_loop(mixed):
    """The published steps, one after the other, on the same draws."""
    score = factor_vae(mixed, mixed, points=(60, 40), seed=3)
    rng = np.random.default_rng(3)
    reference = mixed.draw(60, rng).values
    pairs = []
    for count in (60, 40):
        for factor in rng.integers(4, size=count):
            value = mixed.draw(1, rng).factors[0, factor]
            group = mixed.draw(64, rng, fixed=(factor, np.full(64, value))).values
            ratios = [
                np.var(group[:, d], ddof=1) / np.var(reference[:, d], ddof=1) for d in (0, 1, 2, 3)
            ]
            pairs.append((int(np.argmin(ratios)), int(factor)))
    train, test = pairs[:60], pairs[60:]
    majority = {}
    for latent in range(4):
        named = [factor for d, factor in train if d == latent]
        majority[latent] = max(range(4), key=named.count) if named else 0
    expected = np.mean([majority[d] == factor for d, factor in test])
    assert score.values["factor_vae"] == pytest.approx(expected)


def test_invariance_to_order_and_sign(mixed):
    turned = mixed.map(lambda v: v[:, [3, 1, 0, 2]] * [-1, 1, -1, 1])
    before, after = scores(mixed), scores(turned)
    assert after["factor_vae"] == before["factor_vae"]
    assert after["beta_vae"] == pytest.approx(before["beta_vae"], abs=0.005)


def test_the_units_of_the_latents_do_not_matter(mixed):
    """Powers of 2 change no digit of a float, and no latent falls below the pruning."""
    scaled = mixed.map(lambda v: v * [2**-4, 2**8, 1, 2**3])
    assert scores(scaled) == scores(mixed)


def test_a_pool_and_a_simulator_of_the_same_factors_agree():
    """All combinations as a pool: choosing those that share a value is drawing with it fixed."""
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    pool = Pool(grid[:, :3].astype(float), dict(zip("abcd", grid.T)))
    lots = Simulator(dict.fromkeys("abcd", 5), lambda f: f[:, :3].astype(float))
    for metric in (beta_vae, factor_vae):
        (one,), (other,) = (metric(s, s, points=POINTS).values.values() for s in (pool, lots))
        # a, b and c are told for sure, d by what is left over or by chance
        assert one > 0.7 and abs(one - other) < 4 * np.sqrt(2 * 0.2 * 0.8 / 400)
