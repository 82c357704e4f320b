"""The attention of the model that ships with it has learned to do something."""

from pathlib import Path

import numpy as np
import pytest

import tfgenxai
from tfgenxai.attention import attention_maps, with_and_without

SAGAN = Path(__file__).resolve().parents[2] / "saved_models" / "sagan"


@pytest.mark.shipped
def test_the_sagan_attends_and_its_images_depend_on_it():
    generate = tfgenxai.load(SAGAN)["generate"]
    codes = np.random.default_rng(0).standard_normal((8, 150)).astype(np.float32)
    maps = attention_maps(generate, codes)
    assert (maps.query_grid, maps.key_grid) == ((28, 28), (14, 14))
    assert maps.gain != 0
    whole, without = with_and_without(generate, codes)
    np.testing.assert_allclose(whole, maps.images, atol=1e-5)
    assert np.abs(whole - without).mean() > 1e-4
