"""Images of codes against plain NumPy, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent import decoded
from tfgenxai.latent.decoding import code_input, code_width, prior_codes

CODES = np.random.default_rng(1).normal(size=(2, 5, 3)).astype(np.float32)


def test_leading_axes_stay_and_batches_make_no_difference(decode, draw_by_hand):
    expected = draw_by_hand(CODES.reshape(-1, 3)).reshape(2, 5, 4, 4, 1)
    for batch_size in (256, 3, 1):
        found = decoded(decode, CODES, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(decoded(decode, CODES[0, 0]), expected[0, 0], atol=1e-6)


def test_another_layer_can_be_fetched(decode):
    found = decoded(decode, CODES, fetch="z")
    np.testing.assert_array_equal(found, CODES)


def test_a_conditional_decoder_gets_one_label_or_one_a_code(conditional, draw_by_hand):
    found = decoded(conditional, CODES, extra={"label": 3})
    expected = draw_by_hand(CODES.reshape(-1, 3), 3).reshape(found.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    labels = np.array([[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]])
    found = decoded(conditional, CODES, extra={"label": labels})
    for row, column in np.ndindex(2, 5):
        expected = draw_by_hand(CODES[row, column][None], labels[row, column])[0]
        np.testing.assert_allclose(found[row, column], expected, atol=1e-6)


def test_a_prior_makes_codes_of_normal_draws(decode):
    spec = tf.TensorSpec((None, 3), tf.float32, "eps")
    prior = tf.function(lambda eps: {"z": tf.tanh(eps)}, input_signature=[spec])
    found = prior_codes(Graph.from_function(prior), CODES.astype(np.float64))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.tanh(CODES), rtol=1e-5)
    np.testing.assert_array_equal(prior_codes(None, CODES), CODES)
    assert (code_input(decode), code_width(decode)) == ("z", 3)


@pytest.mark.parametrize(
    ("codes", "extra", "error", "message"),
    [
        (CODES[..., :2], None, InvalidInputError, "codes of 3 dimensions"),
        (CODES[:0], None, InvalidInputError, "codes of 3 dimensions"),
        (np.full((2, 3), np.nan), None, InvalidInputError, "NaN"),
        (CODES, {"label": 1}, UsageError, "no 'label'"),
    ],
)
def test_what_does_not_fit_is_refused(decode, codes, extra, error, message):
    with pytest.raises(error, match=message):
        decoded(decode, codes, extra=extra)


def test_a_missing_or_misshapen_condition_is_refused(conditional):
    with pytest.raises(UsageError, match="label"):
        decoded(conditional, CODES)
    with pytest.raises(InvalidInputError, match=r"one a code: \(2, 5\)"):
        decoded(conditional, CODES, extra={"label": [1, 2, 3]})
