"""Maps of a posterior: by hand, and whatever the clusters are called."""

import numpy as np
import pytest

from tfgenxai.variational.maps import cluster_map, foreground, mask_map


@pytest.fixture
def case():
    """Two images of 3×3 with two channels, and probabilities of three clusters."""
    rng = np.random.default_rng(0)
    return rng.random((2, 3, 3, 2)), rng.dirichlet(np.ones(3), (2, 3, 3))


def test_the_foreground_is_the_cluster_with_the_brightest_pixels(case):
    images, phi = case
    for n, chosen in enumerate(foreground(phi, images)):
        brightness = []
        for k in range(3):
            total = sum(
                phi[n, y, x, k] * images[n, y, x].mean() for y in range(3) for x in range(3)
            )
            brightness.append(total / phi[n, :, :, k].sum())
        assert chosen == np.argmax(brightness)


def test_maps_do_not_depend_on_what_the_clusters_are_called(case):
    images, phi = case
    for order in ([1, 2, 0], [2, 1, 0]):
        np.testing.assert_array_equal(
            cluster_map(phi[..., order], images), cluster_map(phi, images)
        )
        np.testing.assert_array_equal(mask_map(phi[..., order], images), mask_map(phi, images))


def test_the_mask_is_where_the_background_is_below_a_tenth():
    image = np.array([1.0, 1.0, 0.2, 0.0]).reshape(1, 2, 2, 1)
    ink = np.array([0.95, 0.89, 0.91, 0.05]).reshape(1, 2, 2)
    phi = np.stack([1 - ink, ink], axis=-1)  # the foreground is the second
    np.testing.assert_array_equal(mask_map(phi, image), [[[1, 0], [1, 0]]])
    np.testing.assert_allclose(cluster_map(phi, image), ink)


def test_a_cluster_without_pixels_is_no_foreground():
    phi = np.zeros((1, 2, 2, 2))
    phi[..., 1] = 1
    assert foreground(phi, np.full((1, 2, 2, 1), 0.1)) == [1]
