"""Moved images against SciPy's transform, and what single numbers do."""

import numpy as np
from scipy import ndimage

from tfgenxai.models.moves import SHIFT, STRETCH, TURN, moved


def test_nothing_moves_without_a_draw(grey):
    np.testing.assert_allclose(moved(grey, np.zeros((5, 5), np.float32)), grey, atol=1e-6)


def test_moves_are_scipys_affine_transform(rng, grey):
    normal = rng.standard_normal((5, 5)).astype(np.float32)
    found = moved(grey, normal).numpy()
    for image, (turn, wide, high, right, down), other in zip(
        grey[..., 0], np.clip(normal, -2, 2), found[..., 0], strict=True
    ):
        angle = np.deg2rad(TURN * turn)
        rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = rotation @ np.diag([1 + STRETCH * high, 1 + STRETCH * wide])  # (row, column)
        offset = 13.5 - matrix @ [13.5, 13.5] + SHIFT * np.array([down, right])
        expected = ndimage.affine_transform(
            image.astype(np.float64), matrix, offset, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(other, expected, atol=2e-3)


def test_far_draws_are_cut(grey):
    far = np.full((5, 5), 9.0, np.float32)
    np.testing.assert_allclose(moved(grey, far), moved(grey, far / 4.5), atol=1e-6)
