"""Pictures of attacks: what was added shows in its colour, and what does not fit is refused."""

import numpy as np
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.attacks import difference_gain, differences


def test_added_is_red_taken_away_blue_and_nothing_white():
    deltas = np.zeros((1, 1, 3, 1), np.float32)
    deltas[0, 0, :2, 0] = 0.05, -0.05
    assert difference_gain(deltas) == 10
    more, less, none = differences(deltas, 10)[0, 0].astype(int)
    assert more[0] > more[2] + 50 and less[2] > less[0] + 50 and none.min() > 240
    strong = differences(2 * deltas, 10)[0, 0].astype(int)
    assert strong[0, 2] < more[2]  # twice as much is darker


@pytest.mark.parametrize(("largest", "gain"), [(0.1, 10), (0.3, 3), (0.9, 1), (0.0, 10)])
def test_differences_are_enlarged_no_further_than_they_can_be_told_apart(largest, gain):
    assert difference_gain(np.array([[-largest, 0.0]])) == gain
    assert gain * largest <= 1.0


def test_one_row_for_each_kind_of_picture_and_a_column_for_each_image():
    rng = np.random.default_rng(0)
    images, after, more = (rng.random((3, 5, 4, 1), dtype=np.float32) for _ in range(3))
    figure = plots.attacked(
        images, after, captions=list("abc"), captions_after=list("def"), more={"goal": more}
    )
    axes = np.reshape(figure.axes, (4, 3))
    assert [a.get_title() for a in axes[0]] == ["a", "b", "c"]
    assert [a.get_title() for a in axes[1]] == ["d", "e", "f"]
    assert [a.get_ylabel() for a in axes[:, 0]] == ["image", "adversarial", "added × 1", "goal"]
    shown = axes[3, 2].images[0].get_array()
    np.testing.assert_allclose(shown[..., 0] / 255, more[2, ..., 0], atol=1 / 255)


def test_errors():
    images = np.zeros((2, 4, 4, 1), np.float32)
    with pytest.raises(InvalidInputError, match="differ"):
        plots.attacked(images, images[:1])
    with pytest.raises(InvalidInputError, match="'goal' does not fit 2"):
        plots.attacked(images, images, more={"goal": images[:1]})
    with pytest.raises(InvalidInputError, match="At most 16"):
        plots.attacked(np.zeros((17, 4, 4, 1)), np.zeros((17, 4, 4, 1)))
