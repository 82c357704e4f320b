"""Data sets of TensorFlow Datasets: found on this machine, downloaded, read into arrays."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import queue
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfgenxai.data.cache import Arrays, cached
from tfgenxai.errors import DataNotFoundError

PROBE_SECONDS = 4.0


def data_dir() -> Path:
    """Where TFDS keeps its data sets: `$TFDS_DATA_DIR`, else ~/tensorflow_datasets."""
    return Path(os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets").expanduser()


def prepared(name: str) -> Path | None:
    """The folder of the newest version of a data set that is prepared here, found without TFDS."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        return None
    versions = [
        (tuple(map(int, folder.name.split("."))), folder)
        for folder in data_dir().glob(f"{name}/*")
        if re.fullmatch(r"\d+\.\d+\.\d+", folder.name) and (folder / "dataset_info.json").is_file()
    ]
    return max(versions)[1] if versions else None


def find(name: str, source: str, probe: str, progress: bool) -> tuple[Path, str]:
    """The folder of a prepared data set, and a sentence saying where it is from.

    Args:
        name: the data set.
        source: "tfds" for one prepared on this machine, "tfds-download" to download it.
        probe: address of a file that a download needs.
        progress: whether TFDS shows its bars.

    Raises:
        DataNotFoundError: it is not prepared here, or cannot be downloaded.
    """
    if source == "tfds-download":
        folder = _download(name, probe, progress)
        return folder, f"TFDS {name}/{folder.name}, downloaded into {folder.parent.parent}"
    prepared_here = prepared(name)
    if prepared_here is None:
        raise DataNotFoundError(
            f"No TFDS data set {name} is prepared in {data_dir()}; set TFDS_DATA_DIR to the folder "
            "that holds it, or use source='tfds-download' where there is a network."
        )
    return prepared_here, (
        f"TFDS {name}/{prepared_here.name}, prepared in {prepared_here.parent.parent}"
    )


def read_labelled(folder: Path, split: str) -> Arrays:
    """{"images": uint8 (N, H, W, C), "labels": int64 (N,)} of a split, in the set's own order.

    Decoding takes seconds, so the arrays are cached until a file of the data set changes.

    Raises:
        DataNotFoundError: a file of the data set is missing or damaged.
    """
    files = sorted(folder.glob(f"*-{split}.*"))
    state = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    fingerprint = hashlib.sha256(repr(state).encode()).hexdigest()[:16]

    def build() -> Arrays:
        parts = list(batches(folder, split))
        return {
            "images": np.concatenate([part["image"] for part in parts]),
            "labels": np.concatenate([part["label"] for part in parts]).astype(np.int64),
        }

    return cached(f"tfds/{folder.parent.name}-{folder.name}-{split}-{fingerprint}.npz", build)


def batches(
    folder: Path, split: str, size: int | None = None, batch_size: int = 1000
) -> Iterator[dict[str, Any]]:
    """The first `size` examples of a split in batches of NumPy arrays, in the set's own order.

    Raises:
        DataNotFoundError: a file is missing or damaged, or holds less than the set declares.
    """
    tfds = _tfds(progress=False)
    seen = 0
    try:
        builder = tfds.builder_from_directory(folder)
        expected = builder.info.splits[split].num_examples if size is None else size
        dataset = builder.as_dataset(
            split=split if size is None else f"{split}[:{size}]", batch_size=batch_size
        )
        arrays = iter(tfds.as_numpy(dataset))
    except Exception as error:  # TFDS and TensorFlow raise many types for a damaged file
        raise _damaged(folder, error) from error
    while True:
        try:
            batch = next(arrays)
        except StopIteration:
            break
        except Exception as error:
            raise _damaged(folder, error) from error
        seen += len(batch["image"])
        yield batch
    if seen != expected:
        raise _damaged(folder, f"it holds {seen} of {expected} {split} examples")


def count(folder: Path, split: str) -> int:
    """How many examples a split of a prepared data set holds."""
    try:
        return _tfds(progress=False).builder_from_directory(folder).info.splits[split].num_examples
    except Exception as error:
        raise _damaged(folder, error) from error


def _download(name: str, probe: str, progress: bool) -> Path:
    # Without a network TFDS itself gives up only after minutes, so the server is asked first.
    tfds = _tfds(progress)
    if not answers(probe):
        raise DataNotFoundError(
            f"TFDS cannot download {name}: {probe} does not answer. Check the network, or copy a "
            f"prepared {name} folder into {data_dir()}."
        )
    try:
        builder = tfds.builder(name, data_dir=data_dir())
        builder.download_and_prepare()
    except Exception as error:  # the network, a full disk, a changed checksum, a missing quota
        raise DataNotFoundError(f"TFDS could not download {name}: {_first_line(error)}") from error
    return Path(builder.data_path)


def answers(address: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether a web address answers a HEAD request in time (through the proxy, where one is set).

    Asked in a thread because looking a name up has no time limit of its own.
    """
    outcome: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            request = urllib.request.Request(address, method="HEAD")
            with urllib.request.urlopen(request, timeout=seconds) as reply:
                outcome.put(reply.status < 400)
        except (OSError, ValueError):
            outcome.put(False)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return outcome.get(timeout=seconds)
    except queue.Empty:
        return False


def _tfds(progress: bool) -> Any:
    """The tensorflow_datasets module, with TensorFlow's start-up messages held back."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataNotFoundError(
            f"Reading TFDS data needs a package that is missing ({error.name}); "
            "install tensorflow-datasets."
        ) from error
    (tfds.enable_progress_bar if progress else tfds.disable_progress_bar)()
    return tfds


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _damaged(folder: Path, reason: Exception | str) -> DataNotFoundError:
    said = _first_line(reason) if isinstance(reason, Exception) else reason
    return DataNotFoundError(
        f"The TFDS data set in {folder} cannot be read ({said}); delete the folder and prepare it "
        "again, or choose another source."
    )
