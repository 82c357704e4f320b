"""PGD: on one plane the best point of the ball is known."""

import numpy as np
import pytest

from tfgenxai.attacks import FGSM, PGD
from tfgenxai.errors import UsageError


def towards_the_other(two, images):
    """What is added to the image moves the gap of the logits most, along this."""
    seen = two.logits(images).argmax(axis=1)
    sign = np.where(seen == 0, 1.0, -1.0)[:, None]
    way = sign * (two.weights[:, 1] - two.weights[:, 0])
    return way.reshape(images.shape)


@pytest.mark.parametrize("start", [True, False])
def test_on_one_plane_it_ends_at_the_corner_of_the_cube(two, images, start):
    found = PGD(two.graph, eps=0.08, random_start=start, seed=1)(images, progress=False)
    expected = 0.08 * np.sign(towards_the_other(two, images))
    np.testing.assert_allclose(found.deltas, expected, atol=1e-6)


def test_on_one_plane_it_ends_where_the_normal_leaves_the_ball(two, images):
    attack = PGD(two.graph, eps=0.2, norm="l2", random_start=False)
    way = towards_the_other(two, images)
    expected = 0.2 * way / np.linalg.norm(way[0])
    np.testing.assert_allclose(attack(images, progress=False).deltas, expected, atol=1e-5)
    mask = np.arange(20).reshape(4, 5) % 3 == 0
    found = attack(images, mask=mask, progress=False)
    inner = np.where(mask[..., None], way, 0.0)
    np.testing.assert_allclose(found.deltas, 0.2 * inner / np.linalg.norm(inner[0]), atol=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_stays_in_ball_range_and_mask(bent, stark, norm):
    mask = np.random.default_rng(1).random(stark.shape[1:3]) < 0.5
    found = PGD(bent, eps=0.6, norm=norm, steps=8, seed=2)(stark, mask=mask, progress=False)
    assert not found.deltas[:, ~mask].any()
    assert found.adversarial.min() >= 0 and found.adversarial.max() <= 1
    assert found.norms()[norm].max() <= 0.6 + 1e-6


def test_more_restarts_never_lose_and_one_step_is_fgsm(bent, stark):
    def margin(found):
        own = np.log(found.after[np.arange(len(stark)), found.seen])
        others = found.after.copy()
        others[np.arange(len(stark)), found.seen] = 0
        return np.log(others.max(axis=1)) - own

    few, many = (
        PGD(bent, eps=0.05, steps=3, restarts=n, seed=5)(stark, progress=False) for n in (1, 4)
    )
    assert (margin(many) >= margin(few) - 1e-4).all()
    assert (margin(many) > margin(few) + 1e-4).any()
    once = PGD(bent, eps=0.1, steps=1, step=0.1, random_start=False)(stark, progress=False)
    np.testing.assert_array_equal(once.deltas, FGSM(bent, eps=0.1)(stark, progress=False).deltas)


def test_towards_a_target(two, images):
    seen = two.logits(images).argmax(axis=1)
    found = PGD(two.graph, eps=0.5)(images, target=1 - seen, progress=False)
    np.testing.assert_array_equal(found.success, found.seen_after == 1 - seen)
    stays = PGD(two.graph, eps=0.05)(images, target=seen, progress=False)
    assert stays.success.all() and (stays.after.max(axis=1) >= stays.before.max(axis=1)).all()


def test_draws_depend_on_the_seed_and_the_place_only(bent, stark):
    options = {"eps": 0.2, "steps": 1, "step": 1e-6}
    whole = PGD(bent, **options, seed=3)(stark, progress=False)
    parts = PGD(bent, **options, seed=3)(stark, batch_size=2, progress=False)
    other = PGD(bent, **options, seed=4)(stark, progress=False)
    np.testing.assert_allclose(whole.deltas, parts.deltas, atol=1e-5)
    assert np.abs(whole.deltas - other.deltas).max() > 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps= must be a whole number, at least 1"),
        ({"restarts": 2, "random_start": False}, "random start only"),
        ({"step": -1.0}, "step= is the length"),
        ({"norm": "l0"}, "linf, l2"),
    ],
)
def test_errors(linear, options, message):
    with pytest.raises(UsageError, match=message):
        PGD(linear.graph, **options)
