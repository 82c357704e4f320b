"""The share that categories explain within labels: against analysis of variance by hand."""

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.effects import eta_squared
from tfgenxai.metrics.styles import style_share


@pytest.fixture
def drawn():
    """2,000 labels and categories that know nothing of each other."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, 2000), rng.integers(0, 5, 2000), rng.standard_normal(2000)


def by_hand(values, categories, labels):
    """Squares between the cells of each label over squares within it, in loops."""
    between = whole = 0.0
    for label in set(labels):
        own = values[labels == label]
        whole += np.sum((own - own.mean()) ** 2)
        for category in set(categories):
            cell = values[(labels == label) & (categories == category)]
            if len(cell):
                between += len(cell) * (cell.mean() - own.mean()) ** 2
    return between / whole


def test_it_is_the_analysis_of_variance_within_labels(drawn):
    labels, categories, noise = drawn
    values = 3 * labels + (categories == labels) + 0.5 * categories + noise
    values[:5] = np.nan
    found = style_share(values, categories, labels, shuffles=20)
    assert found.share == pytest.approx(by_hand(values[5:], categories[5:], labels[5:]))
    assert found.beyond_chance and found.count == 1995
    known = values[5:]
    rest = [known[labels[5:] == k] - known[labels[5:] == k].mean() for k in range(4)]
    assert found.spread == pytest.approx(np.concatenate(rest).std())
    one = style_share(noise, categories, np.zeros(2000, int), shuffles=1)
    assert one.share == pytest.approx(eta_squared(noise[:, None], categories)[0])


def test_what_labels_alone_explain_is_chance(drawn):
    labels, categories, noise = drawn
    found = style_share(100 * labels + noise, categories, labels)
    # Between-cell squares of noise: one for each cell beyond one a label.
    assert found.chance == pytest.approx(16 / 1996, rel=0.1)
    assert found.share < 2 * found.chance
    # A category that is the label in disguise has nothing left to say within it.
    assert style_share(100 * labels + noise, labels, labels).share == pytest.approx(0, abs=1e-12)


def test_a_category_that_is_everything_explains_everything(drawn):
    labels, categories, _ = drawn
    found = style_share(categories * (1.0 + labels), categories, labels, shuffles=20)
    assert found.share == pytest.approx(1) and found.row()["beyond_chance"]
    again = style_share(categories * (1.0 + labels), categories, labels, shuffles=20)
    assert again == found


def test_what_does_not_vary_is_refused(drawn):
    labels, categories, _ = drawn
    with pytest.raises(InvalidInputError, match="do not vary"):
        style_share(1.0 * labels, categories, labels)
    with pytest.raises(InvalidInputError, match="no finite value"):
        style_share(np.full(2000, np.nan), categories, labels)
    with pytest.raises(InvalidInputError, match="each"):
        style_share(np.zeros(3), categories, labels)
