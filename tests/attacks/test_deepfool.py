"""DeepFool on affine logits: one step, at the known distance."""

import numpy as np
import pytest

from tests.attacks.oracles import nearest_plane
from tfgenxai.attacks import DeepFool
from tfgenxai.errors import UsageError


def test_one_step_reaches_the_boundary_at_the_known_distance(linear, images):
    attack = DeepFool(linear.graph, steps=1, overshoot=0.01)
    small = images * 0.02 + 0.49  # near enough to a boundary for the range to be wide
    found = attack(small, progress=False)
    expected = np.stack([nearest_plane(linear, image) for image in small])
    assert np.abs(expected).max() < 0.4
    deltas = found.deltas.reshape(len(small), -1)
    np.testing.assert_allclose(deltas, 1.01 * expected, atol=2e-5)
    np.testing.assert_allclose(
        found.norms()["l2"], 1.01 * np.linalg.norm(expected, axis=1), rtol=1e-3
    )
    assert found.success.all()
    short = found.images + 0.98 * (deltas / 1.01).reshape(small.shape)
    np.testing.assert_array_equal(linear.logits(short).argmax(axis=1), found.seen)


def test_many_steps_are_the_loop_with_points_cut_off_at_black_and_white(linear):
    """Algorithm 2 an image at a time, each point that is tried kept in [0, 1]."""
    grey = np.random.default_rng(6).uniform(-0.4, 1.4, (5, 4, 5, 1))
    stark = np.clip(grey, 0, 1).astype(np.float32)
    found = DeepFool(linear.graph, overshoot=0.05)(stark, progress=False)
    taken = []
    for n, image in enumerate(stark):
        x, point, way, steps = image.ravel().astype(float), image, np.zeros(image.size), 0
        logits = linear.logits(image[None])[0]
        seen = logits.argmax()
        first = nearest_plane(linear, image)
        gaps = np.array([logits[seen] - logits[k] for k in range(4) if k != seen])
        planes = [linear.weights[:, k] - linear.weights[:, seen] for k in range(4) if k != seen]
        aim = 0.05 * gaps[np.argmin([abs(np.linalg.norm(first) - g / np.linalg.norm(w))
                                     for g, w in zip(gaps, planes)])]  # fmt: skip
        while max(-gaps) <= aim / 2:
            steps += 1
            every = [(aim + gap) / (w @ w) * w for gap, w in zip(gaps, planes)]
            way = way + min(every, key=np.linalg.norm)
            point = np.clip(x + way, 0, 1)
            logits = linear.logits(point[None])[0]
            gaps = np.array([logits[seen] - logits[k] for k in range(4) if k != seen])
        taken.append(steps)
        np.testing.assert_allclose(found.adversarial[n].ravel(), point, atol=1e-4)
    assert max(taken) > 2 and found.success.all()


def test_a_mask_leaves_the_nearest_point_among_what_is_allowed(linear, images):
    mask = np.arange(20).reshape(4, 5) % 2 == 0
    found = DeepFool(linear.graph, steps=1, overshoot=0.0)(images, mask=mask, progress=False)
    for image, delta in zip(images, found.deltas):
        expected = nearest_plane(linear, image, lambda w: mask.ravel())
        if np.abs(expected).max() < 0.4:
            np.testing.assert_allclose(delta.ravel(), expected, atol=1e-5)
    assert not found.deltas[:, ~mask].any()
    nothing = DeepFool(linear.graph)(images, mask=np.zeros((4, 5), bool), progress=False)
    assert not nothing.deltas.any() and not nothing.success.any()


def test_on_a_network_it_misleads_and_half_the_way_does_not(bent, stark):
    found = DeepFool(bent)(stark, progress=False)
    assert found.success.all()
    assert found.adversarial.min() >= 0 and found.adversarial.max() <= 1
    once = bent.function("image", "logits")(stark + 0.5 * found.deltas).numpy().argmax(axis=1)
    assert (once == found.seen).mean() > 0.8  # the boundary is near the end of the way


def test_it_gives_up_beyond_a_norm(bent, stark):
    grey = 0.25 + 0.5 * stark
    free = DeepFool(bent)(grey, progress=False)
    limit = float(np.sort(free.norms()["l2"])[3:5].mean())  # between two of them
    found = DeepFool(bent, eps=limit)(grey, progress=False)
    assert found.norms()["l2"].max() <= limit * (1 + 1e-5)
    near = free.norms()["l2"] <= limit
    np.testing.assert_array_equal(found.deltas[near], free.deltas[near])
    assert near.any() and found.success[near].all() and not found.success.all()
    votes = bent.function("image", "logits")(found.adversarial).numpy().argmax(axis=1)
    np.testing.assert_array_equal(found.success, votes != found.seen)


def test_errors(linear, images):
    with pytest.raises(UsageError, match="towards none"):
        DeepFool(linear.graph)(images, target=1)
    for options in ({"overshoot": -1}, {"steps": 0}, {"classes": 0}, {"eps": 0.0}):
        with pytest.raises(UsageError, match="="):
            DeepFool(linear.graph, **options)
