"""FGSM in closed form."""

import numpy as np
import pytest

from tests.attacks.oracles import cross_entropy_slope, unit
from tfgenxai.attacks import FGSM
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph


def test_the_step_is_the_sign_of_the_gradient(linear, images):
    found = FGSM(linear.graph, eps=0.05)(images, progress=False)
    labels = linear.logits(images).argmax(axis=1)
    slopes = cross_entropy_slope(linear, images, labels)
    np.testing.assert_allclose(found.deltas, 0.05 * np.sign(slopes), atol=1e-6)
    after = linear.logits(images + 0.05 * np.sign(slopes)).argmax(axis=1)
    np.testing.assert_array_equal(found.success, after != labels)
    np.testing.assert_array_equal(found.seen_after, after)


def test_the_step_along_the_gradient(linear, images):
    found = FGSM(linear.graph, eps=0.3, norm="l2")(images, progress=False)
    labels = linear.logits(images).argmax(axis=1)
    expected = 0.3 * unit(cross_entropy_slope(linear, images, labels))
    np.testing.assert_allclose(found.deltas.reshape(len(images), -1), expected, atol=1e-5)


def test_towards_a_target_the_loss_of_the_target_falls(linear, images):
    target = np.array([3, 2, 1, 0, 1, 2])
    found = FGSM(linear.graph, eps=0.05)(images, target=target, progress=False)
    slopes = cross_entropy_slope(linear, images, target)
    np.testing.assert_allclose(found.deltas, -0.05 * np.sign(slopes), atol=1e-6)
    np.testing.assert_array_equal(found.success, found.seen_after == target)
    np.testing.assert_array_equal(found.target, target)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_only_allowed_pixels_change_and_images_stay_images(bent: Graph, stark, norm):
    mask = np.random.default_rng(0).random(stark.shape[:3]) < 0.4
    found = FGSM(bent, eps=0.7, norm=norm)(stark, mask=mask, progress=False)
    assert not found.deltas[~mask].any() and found.deltas[mask].any()
    assert found.adversarial.min() >= 0 and found.adversarial.max() <= 1
    assert found.norms()[norm].max() <= 0.7 + 1e-6


def test_batches_do_not_matter(bent, stark):
    whole, parts = (FGSM(bent)(stark, batch_size=n, progress=False) for n in (100, 2))
    np.testing.assert_allclose(whole.adversarial, parts.adversarial, atol=1e-6)


def test_errors(linear, images):
    attack = FGSM(linear.graph)
    with pytest.raises(UsageError, match="no class 4: they run from 0 to 3"):
        attack(images, target=4)
    with pytest.raises(InvalidInputError, match="one for each of the 6 images"):
        attack(images, target=np.array([1, 2]))
    with pytest.raises(InvalidInputError, match=r"of shape \(4, 5\) or \(6, 4, 5\)"):
        attack(images, mask=np.ones((5, 4), bool))
    with pytest.raises(InvalidInputError, match="boolean"):
        attack(images, mask=np.ones((4, 5)))
    with pytest.raises(InvalidInputError, match=r"in \[0, 1\]"):
        attack(2 * images)
    with pytest.raises(InvalidInputError, match="no images"):
        attack(images[:0])
    with pytest.raises(UsageError, match="eps="):
        FGSM(linear.graph, eps=0)
