"""The universal perturbation against its algorithm, written out for planes."""

import numpy as np
import pytest

from tests.attacks.oracles import nearest_plane
from tfgenxai.attacks import Universal
from tfgenxai.errors import UsageError

OVERSHOOT = 1.02


def by_the_book(linear, images, eps, passes, fooling, seed, norm):
    """Algorithm 1, an image at a time, with DeepFool's closed form."""
    v = np.zeros(images[0].shape)
    seen = linear.logits(images).argmax(axis=1)
    rng = np.random.default_rng(seed)
    for _ in range(passes):
        for n in rng.permutation(len(images)):
            moved = images[n] + v
            if linear.logits(moved[None])[0].argmax() == seen[n]:
                v = v + OVERSHOOT * nearest_plane(linear, moved).reshape(v.shape)
                size = np.linalg.norm(v)
                v = np.clip(v, -eps, eps) if norm == "linf" else v * min(1, eps / size)
        if np.mean(linear.logits(images + v).argmax(axis=1) != seen) >= fooling:
            break
    return v


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.05), ("l2", 0.25)])
def test_it_is_the_published_loop(linear, images, norm, eps):
    options = {"eps": eps, "passes": 2, "fooling": 1.0, "norm": norm, "seed": 3}
    attack = Universal(linear.graph, **options, steps=1)
    found = attack(images, progress=False)
    expected = by_the_book(linear, images, **options)
    assert images.min() - np.abs(expected).max() >= 0.3  # no pixel leaves its range
    np.testing.assert_allclose(attack.perturbation, expected, atol=1e-5)
    np.testing.assert_allclose(found.deltas, np.broadcast_to(expected, images.shape), atol=1e-5)
    after = linear.logits(images + expected).argmax(axis=1)
    np.testing.assert_array_equal(found.success, after != found.seen)


def test_learned_on_other_images_and_bounded(bent, stark):
    attack = Universal(bent, eps=0.3, training=stark[:5], passes=2)
    first, second = (attack(part, progress=False) for part in (stark[5:7], stark[5:]))
    np.testing.assert_array_equal(first.deltas, second.deltas[:2])
    assert np.abs(attack.perturbation).max() <= 0.3 + 1e-6
    assert second.adversarial.min() >= 0 and second.adversarial.max() <= 1
    assert second.settings["training"] == 5


def test_masks(bent, stark):
    shared = np.random.default_rng(0).random((4, 5)) < 0.5
    attack = Universal(bent, eps=0.5, passes=1)
    found = attack(stark, mask=shared, progress=False)
    assert not attack.perturbation[~shared].any() and not found.deltas[:, ~shared].any()
    each = np.random.default_rng(1).random(stark.shape[:3]) < 0.3
    found = attack(stark, mask=each, progress=False)
    assert not found.deltas[~each].any()
    expected = np.clip(stark + np.where(each[..., None], attack.perturbation, 0), 0, 1)
    np.testing.assert_allclose(found.adversarial, expected, atol=1e-6)


def test_errors(linear, images):
    with pytest.raises(UsageError, match="fooling="):
        Universal(linear.graph, fooling=0.0)
    with pytest.raises(UsageError, match="towards none"):
        Universal(linear.graph)(images, target=0)
