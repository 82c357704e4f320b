"""What the picture of factors by latents shows, read back from its axes."""

import numpy as np
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError


def shown(figure):
    axes = figure.axes[0]
    return [text.get_text() for text in axes.get_xticklabels()], axes.get_title()


def test_the_best_latents_come_first_and_then_those_of_the_highest_scores():
    scores = np.zeros((3, 30))
    scores[0, 20], scores[1, 4], scores[2, 20] = 0.9, 0.3, 0.8  # one latent is best for two
    scores[:, 7], scores[1, 2] = 0.2, 0.1
    figure = plots.factor_latents(scores, ["a", "b", "c"], title="Scores", label="x", count=4)
    names, title = shown(figure)
    assert names == ["z20", "z4", "z7", "z2"]
    assert title == "Scores: 4 of 30 latents"
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(drawn, scores[:, [20, 4, 7, 2]])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_every_factor_keeps_its_best_latent():
    figure = plots.factor_latents(np.eye(5), list("abcde"), title="All", label="x", count=2)
    assert shown(figure) == (["z0", "z1", "z2", "z3", "z4"], "All")
    nothing = plots.factor_latents(np.zeros((2, 3)), ["a", "b"], title="None", label="x")
    assert shown(nothing)[0][0] == "z0"


def test_scores_that_do_not_fit():
    for wrong in (np.zeros((2, 3)), np.zeros(3)):
        with pytest.raises(InvalidInputError, match=r"shape \(3, D\) for 3 factors"):
            plots.factor_latents(wrong, ["a", "b", "c"], title="", label="")
