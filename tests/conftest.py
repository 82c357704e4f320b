"""What several parts' tests share: Python and the command line in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deviations import Deviations

ROOT = Path(__file__).resolve().parents[1]

# A process for every core: with more threads than that, they spend their time on each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(_threads, "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--deviations`."""
    parser.addoption(
        "--deviations", action="store_true", help="print how far values were from their oracles"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Turns the table on."""
    if config.getoption("--deviations"):
        config.pluginmanager.register(Deviations())


@pytest.fixture(scope="session")
def process_env() -> dict[str, str]:
    """An environment that finds this checkout and keeps TensorFlow quiet."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="session")
def run_python(process_env) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python ARGS...`, with stdout and stderr captured as text."""

    def run(*args: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, args)],
            env=process_env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            **kwargs,
        )

    return run


@pytest.fixture(scope="session")
def run_cli(run_python) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `tfgenxai ARGS...` in a process of its own."""
    return lambda *args, **kwargs: run_python("-m", "tfgenxai.cli", *args, **kwargs)


@pytest.fixture
def determinism_ends_with_the_test() -> Iterator[None]:
    """Training makes TensorFlow deterministic for good; other tests shall not notice."""
    yield
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import config

        config.disable_op_determinism()
