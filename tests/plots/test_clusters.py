"""The figure of revealed sites: its lines are the means, its crosses the values from elsewhere."""

import numpy as np
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError


def test_lines_are_means_and_crosses_are_given():
    rng = np.random.default_rng(0)
    orders = {"highest": rng.random((9, 3)), "random": rng.random((9, 3))}
    figure = plots.reveal_curves(
        [5, 10, 20], {"pixels": orders, "cells": orders}, {5: (0.6, 0.7)}, control="random"
    )
    assert len(figure.axes) == 2
    first, control, crosses = figure.axes[0].lines
    np.testing.assert_allclose(first.get_ydata(), orders["highest"].mean(axis=0))
    assert control.get_linestyle() == "--"
    assert [*crosses.get_xdata()] == [5, 5] and [*crosses.get_ydata()] == [0.6, 0.7]


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidInputError, match="not .N, 3."):
        plots.reveal_curves([1, 2, 3], {"pixels": {"highest": np.zeros((4, 2))}})
    with pytest.raises(InvalidInputError, match="no probabilities"):
        plots.reveal_curves([1], {})
