"""Strips of interpolation, read back from their axes."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError

STRIP = np.linspace(0, 1, 3 * 4 * 4).reshape(3, 4, 4, 1)


def test_every_walk_has_its_row_and_every_image_its_note():
    notes = {"spherical": ["a", "b", "c"]}
    figure = plots.interpolation({"linear": STRIP, "spherical": 1 - STRIP}, notes, title="Walk")
    assert len(figure.axes) == 6
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["linear", "spherical"]
    assert [axes.get_title() for axes in figure.axes] == ["", "", "", "a", "b", "c"]
    for axes, image in zip(figure.axes, [*STRIP, *(1 - STRIP)], strict=True):
        shown = axes.images[0].get_array()
        np.testing.assert_allclose(shown[..., 0], np.round(255 * image[..., 0]), atol=0.5)


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match=r"\[2, 3\]"):
        plots.interpolation({"a": STRIP, "b": STRIP[:2]})
    with pytest.raises(InvalidInputError, match="none"):
        plots.interpolation({})
    with pytest.raises(InvalidInputError, match="3 images need as many notes"):
        plots.interpolation({"a": STRIP}, {"a": ["x"]})
