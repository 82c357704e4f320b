import numpy as np
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError


def test_every_picture_stands_beside_its_names():
    images = np.zeros((2, 3, 4, 6, 1), np.float32)
    images[1, 2] = 1
    figure = plots.picture_table(images, ["up", "down"], ["a", "b", "c"], title="T", x="draw")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["up", "down"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a", "b", "c"]
    drawn = axes.images[0].get_array()
    for row, y in enumerate(axes.get_yticks()):
        for column, x in enumerate(axes.get_xticks()):
            expected = 255 if (row, column) == (1, 2) else 0
            assert set(drawn[round(y), round(x)]) == {expected}
    assert axes.get_xlabel() == "draw"
    assert len(plots.png(figure)) > 2000


def test_other_shapes_are_refused():
    with pytest.raises(InvalidInputError, match="2 rows need"):
        plots.picture_table(np.zeros((3, 3, 4, 4, 1)), ["a", "b"])
    with pytest.raises(InvalidInputError, match="3 columns need"):
        plots.picture_table(np.zeros((2, 3, 4, 4, 1)), ["a", "b"], ["x"])
