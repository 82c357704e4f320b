"""Style codes of which it is known what they do to words."""

import numpy as np
import pytest
from scipy import stats

import tfgenxai
from tests.latent.directions.bar_words import ALPHABET, LEAN, bar_word
from tests.metrics.handwriting import model_of
from tfgenxai.errors import UsageError
from tfgenxai.latent.word_codes import CodeEffects, Coordinate, code_effects, style_coordinates
from tfgenxai.metrics.word_shapes import word_measures
from tfgenxai.saved.card import write_card
from tfgenxai.writing import Writer

WORDS, VALUES = 9, 5


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """z = [noise that leans | a code that thickens]."""
    folder = tmp_path_factory.mktemp("models") / "coded"
    model_of(folder, generate=bar_word, alphabet=ALPHABET)
    config = {"alphabet": ALPHABET, "continuous": 1, "categories": 0}
    write_card(folder, {"architecture": {"config": config}, "data": {"name": "words"}})
    return Writer(tfgenxai.load(folder))


@pytest.fixture(scope="module")
def found(writer):
    options = {"words": WORDS, "values": VALUES, "lengths": (1, 3)}
    return code_effects(writer, style_coordinates(writer), **options)


def test_codes_come_first_and_controls_are_noise(writer):
    assert style_coordinates(writer) == [Coordinate("code 0", 1, True), Coordinate("z 0", 0, False)]


def test_each_coordinate_changes_what_it_was_made_to(found):
    frame = found.frame().set_index("coordinate")
    assert frame.loc["code 0", "stroke width rank_low"] > 0.9
    assert frame.loc["z 0", "slant rank"] == 1
    assert abs(frame.loc["code 0", "slant effect"]) < 0.05
    # The control goes as far as its distribution: between its quantiles of 1/10 and 9/10.
    ends = np.degrees(np.arctan(LEAN * stats.norm.ppf([0.1, 0.9])))
    np.testing.assert_allclose(found.measures["slant"][1][:, [0, -1]], [ends] * WORDS, atol=0.2)


def test_words_are_in_their_order_with_the_values_that_were_set(found):
    """The area of each, drawn by itself: its lean is what was measured, its length its turn's."""
    for n in range(WORDS):
        lean = np.tan(np.radians(found.measures["slant"][0][n, 0])) / LEAN
        codes = np.array([[lean, value] for value in (-0.8, -0.4, 0, 0.4, 0.8)], np.float32)
        alone = bar_word(codes, np.zeros((VALUES, (1, 3)[n % 2]), np.int64)).numpy()
        expected = word_measures(alone)["area"]
        np.testing.assert_allclose(found.measures["area"][0][n], expected, rtol=0.03)


def test_sums_are_scipys():
    random = np.random.default_rng(0)
    values = random.integers(0, 5, (2, 6, 8)).astype(float)
    values[0, 1, 3] = np.nan
    values[1, 2] = 4.0
    made = CodeEffects((), (np.arange(8) + 0.5) / 8, {"a": values}, {"a": 1.0})
    ranks, whole = made.rank_correlations("a"), made.correlations("a")
    for c, n in np.ndindex(2, 6):
        if (c, n) == (0, 1):
            assert np.isnan(ranks[c, n])
        elif (c, n) == (1, 2):
            assert ranks[c, n] == 0
        else:
            expected = stats.spearmanr(np.arange(8), values[c, n]).statistic
            assert ranks[c, n] == pytest.approx(expected)
    for c in range(2):
        known = np.isfinite(values[c]).ravel()
        pairs = np.tile(made.shares, 6)[known], values[c].ravel()[known]
        assert whole[c] == pytest.approx(stats.pearsonr(*pairs).statistic)


def test_errors(writer, tmp_path):
    plain = Writer(model_of(tmp_path / "plain", generate=bar_word, alphabet=ALPHABET))
    with pytest.raises(UsageError, match="plain has no style codes; train one"):
        style_coordinates(plain)
    with pytest.raises(UsageError, match="three values"):
        code_effects(writer, style_coordinates(writer), words=2, values=2)
