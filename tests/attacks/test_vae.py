"""Attacks on a linear VAE, whose best perturbation is that of a least-squares problem in a ball."""

import numpy as np
import pytest
from scipy.optimize import brentq

from tests.attacks.oracles import PLACES
from tfgenxai.attacks import LatentAttack, OutputAttack
from tfgenxai.attacks.vae import others_of
from tfgenxai.errors import InvalidInputError, UsageError


def in_a_ball(matrix, gap, eps):
    """argmin |matrix^T d - gap| with |d| <= eps: ridge regression of the strength that fits."""

    def ridge(strength):
        return np.linalg.solve(matrix @ matrix.T + strength * np.eye(len(matrix)), matrix @ gap)

    strength = brentq(lambda s: np.linalg.norm(ridge(s)) - eps, 1e-9, 1e9)
    return ridge(strength)


@pytest.mark.parametrize(("attack", "eps"), [(LatentAttack, 0.02), (OutputAttack, 0.02)])
def test_it_comes_as_near_as_can_be_in_the_ball(vae, images, attack, eps):
    goals = images[::-1]
    found = attack(vae.graphs, eps=eps, steps=200)(images, goals)
    whole = attack is OutputAttack
    matrix = (vae.down @ vae.up if whole else vae.down).astype(np.float64)
    rows = images.reshape(len(images), PLACES).astype(np.float64)
    aims = goals.reshape(len(images), PLACES) - 0.5 if whole else rows[::-1] @ matrix
    for n, row in enumerate(rows):
        gap = aims[n] - row @ matrix
        best = in_a_ball(matrix, gap, eps)
        nearest = np.linalg.norm(gap - best @ matrix)
        assert found.distance[n] == pytest.approx(np.linalg.norm(gap), rel=1e-4)
        assert found.distance_after[n] == pytest.approx(nearest, rel=5e-3)
        np.testing.assert_allclose(found.deltas[n].ravel(), best, atol=0.05 * eps)
    np.testing.assert_allclose(found.closed, 1 - found.distance_after / found.distance)
    assert found.norms()["l2"].max() <= eps * (1 + 1e-5)


def test_success_and_reconstructions_are_those_of_the_model(vae, images):
    goals = images[::-1]
    mask = np.arange(PLACES).reshape(4, 5) % 2 == 0
    found = LatentAttack(vae.graphs, eps=0.3, norm="linf")(images, goals, mask=mask, batch_size=4)

    def restored(x):
        return (x.reshape(-1, PLACES) @ vae.down @ vae.up + 0.5).reshape(x.shape)

    for name, source in (
        ("restored", images),
        ("restored_after", found.adversarial),
        ("restored_goals", goals),
    ):
        np.testing.assert_allclose(getattr(found, name), restored(source), atol=1e-5)
    apart = [
        np.square(found.restored_after - other).sum(axis=(1, 2, 3)) for other in (goals, images)
    ]
    np.testing.assert_array_equal(found.success, apart[0] < apart[1])
    assert not found.deltas[:, ~mask].any() and np.abs(found.deltas).max() <= 0.3 + 1e-6


def test_the_goal_is_the_next_image_of_another_class():
    labels = np.array([1, 1, 2, 1, 3])
    assert list(others_of(labels, 5)) == [2, 2, 3, 4, 0]
    assert list(others_of(None, 3)) == [1, 2, 0]
    assert list(others_of(np.ones(3, int), 3)) == [1, 2, 0]


def test_errors(vae, images):
    with pytest.raises(UsageError, match="reconstruct is missing among encode"):
        LatentAttack({"encode": vae.graphs["encode"]})
    with pytest.raises(InvalidInputError, match="as many goals"):
        OutputAttack(vae.graphs)(images, images[:2])
    with pytest.raises(UsageError, match="eps="):
        LatentAttack(vae.graphs, eps=-1)
