"""What an attack gives back: the images, what it made of them, and whether it worked."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfgenxai.errors import DataNotFoundError, InvalidInputError
from tfgenxai.files import write_bytes

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, kw_only=True)
class Perturbed:
    """Images and their perturbed copies.

    Attributes:
        images, adversarial: float32 (N, H, W, C) in [0, 1].
        success: bool (N,), as the attack counts it.
        attack: its name in the registry.
        settings: its settings, the seed among them; JSON values.
    """

    images: np.ndarray
    adversarial: np.ndarray
    success: np.ndarray
    attack: str
    settings: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def deltas(self) -> np.ndarray:
        """What was added, (N, H, W, C)."""
        return self.adversarial - self.images

    @property
    def sizes(self) -> np.ndarray:
        """How much each pixel moved, (N, H, W): absolute values, summed over channels."""
        return np.abs(self.deltas).sum(axis=-1)

    def norms(self) -> dict[str, np.ndarray]:
        """How large each perturbation is, (N,) each.

        `linf`, the largest change of a value; `l2`, the Euclidean length; `pixels`, how many
        pixels moved.
        """
        rows = self.deltas.reshape(len(self), -1).astype(np.float64)
        return {
            "linf": np.abs(rows).max(axis=1),
            "l2": np.linalg.norm(rows, axis=1),
            "pixels": np.count_nonzero(self.sizes, axis=(1, 2)),
        }

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table with one row an image: success, and the norms."""
        import pandas

        return pandas.DataFrame({"success": self.success, **self.norms()})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes one compressed .npz file, whole or not at all; gives back its path."""
        about = {"kind": type(self).__name__, "attack": self.attack, "settings": self.settings}
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in about}
        known = {name: array for name, array in arrays.items() if array is not None}
        content = io.BytesIO()
        np.savez_compressed(content, about=np.array(json.dumps(about)), **known)
        return write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads what `save` wrote.

        Raises:
            DataNotFoundError: there is no such file.
            InvalidInputError: the file is damaged, or holds something else.
        """
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {path}; write one with {cls.__name__}.save.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = dict(archive)
            about = json.loads(str(arrays.pop("about")))
            if about.pop("kind") != cls.__name__:
                raise ValueError("another kind of result")
            return cls(**about, **arrays)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidInputError(
                f"{path} is damaged, or was not written by {cls.__name__}.save: {error}."
            ) from None


@dataclass(frozen=True, eq=False, kw_only=True)
class Adversarial(Perturbed):
    """Images that a classifier takes for something else.

    Attributes:
        success: whether the classifier sees `target`, or where there is none, another class than
            it saw before.
        before, after: probabilities (N, K) of the images and of the adversarial ones.
        target: int64 (N,), the class that each was to be taken for; None for any other.
    """

    before: np.ndarray
    after: np.ndarray
    target: np.ndarray | None = None

    @property
    def seen(self) -> np.ndarray:
        """The class that the classifier sees in each image, (N,)."""
        return self.before.argmax(axis=1)

    @property
    def seen_after(self) -> np.ndarray:
        """The class that it sees in each adversarial image, (N,)."""
        return self.after.argmax(axis=1)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table with one row an image: classes, confidences, success, norms."""
        frame = super().to_frame()
        columns: dict[str, np.ndarray] = {
            "seen": self.seen,
            "confidence": self.before.max(axis=1),
            "seen_after": self.seen_after,
            "confidence_after": self.after.max(axis=1),
        }
        if self.target is not None:
            columns["target"] = self.target
        for place, (name, values) in enumerate(columns.items()):
            frame.insert(place, name, values)
        return frame


@dataclass(frozen=True, eq=False, kw_only=True)
class Redirected(Perturbed):
    """Images of which a VAE makes another.

    Attributes:
        success: whether the adversarial image's reconstruction is nearer to the goal than to the
            image, by squared error.
        goals: (N, H, W, C), what each was to become.
        restored, restored_after, restored_goals: reconstructions of the images, of the adversarial
            ones and of the goals.
        distance, distance_after: how far the image and the adversarial one are from the goal,
            (N,), as the attack measures it.
    """

    goals: np.ndarray
    restored: np.ndarray
    restored_after: np.ndarray
    restored_goals: np.ndarray
    distance: np.ndarray
    distance_after: np.ndarray

    @property
    def closed(self) -> np.ndarray:
        """The share of the distance to the goal that is gone, (N,): 1 is all, 0 none."""
        return 1.0 - self.distance_after / np.maximum(self.distance, np.finfo(np.float32).tiny)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table with one row an image: distances, the share closed, success, norms."""
        frame = super().to_frame()
        frame.insert(0, "distance", self.distance)
        frame.insert(1, "distance_after", self.distance_after)
        frame.insert(2, "closed", self.closed)
        return frame
