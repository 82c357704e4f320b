"""Every test here has its own cache, no TFDS data of the machine, and no network."""

import os

import pytest

from tfgenxai.data import tfds_store

REAL_TFDS_DATA_DIR = os.environ.get("TFDS_DATA_DIR")


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def isolated(monkeypatch, session_cache, tmp_path_factory):
    monkeypatch.setenv("TFGENXAI_CACHE", str(session_cache))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path_factory.mktemp("no-tfds")))
    monkeypatch.setattr(tfds_store, "answers", lambda address, seconds=0.0: False)


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TFGENXAI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def real_tfds(monkeypatch):
    if not REAL_TFDS_DATA_DIR:
        pytest.skip("TFDS_DATA_DIR is not set")
    monkeypatch.setenv("TFDS_DATA_DIR", REAL_TFDS_DATA_DIR)


@pytest.fixture
def tfds_home(monkeypatch, tmp_path):
    """An own TFDS folder, for data sets that a test prepares."""
    home = tmp_path / "tfds"
    home.mkdir()
    monkeypatch.setenv("TFDS_DATA_DIR", str(home))
    return home
