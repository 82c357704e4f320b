"""`Directions`: straight lines through a code space, which any code can follow."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.files import write_bytes

if TYPE_CHECKING:
    from tfgenxai.latent.generator import Generator


@dataclass(frozen=True, eq=False)
class Directions:
    """K directions in a code space of d dimensions.

    Attributes:
        vectors: (K, d) float32, each of length 1: epsilon counts in units of the code space.
        method: what found them, such as "learned".
        names: K names; by default `direction 0`, `direction 1`, ...
        about: how they were found: settings, the seed and the model among them; JSON values.

    Raises:
        InvalidInputError: another shape, NaN or infinite values, a vector of another length than
            1, or another number of names.
    """

    vectors: np.ndarray
    method: str
    names: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, np.float32)
        if vectors.ndim != 2 or 0 in vectors.shape:
            raise InvalidInputError(
                f"Directions are rows (K, d), one a direction; these have shape {vectors.shape}."
            )
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.allclose(lengths, 1.0, atol=1e-3):  # NaN and infinity are not 1 either
            raise InvalidInputError(
                f"Directions have length 1; these have lengths {lengths.min():.3g} to "
                f"{lengths.max():.3g}. Divide each by its norm."
            )
        names = tuple(self.names) or tuple(f"direction {k}" for k in range(len(vectors)))
        if len(names) != len(vectors):
            raise InvalidInputError(f"There are {len(vectors)} directions but {len(names)} names.")
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "names", names)

    @property
    def width(self) -> int:
        """Dimensions d of the codes that they move."""
        return self.vectors.shape[1]

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Directions({self.method}, {len(self)} in {self.width} dimensions)"

    def __getitem__(self, chosen: slice | Sequence[int] | np.ndarray) -> Directions:
        """Some of the directions, with their names."""
        places = np.arange(len(self))[chosen]
        names = tuple(self.names[k] for k in places)
        return replace(self, vectors=self.vectors[places], names=names)

    def renamed(self, names: tuple[str, ...]) -> Directions:
        """The same directions with other names."""
        return replace(self, names=names)

    def shift(self, codes: np.ndarray, direction: int, size: Any) -> np.ndarray:
        """Codes (N, d) float32, moved by epsilon = `size` along a direction: z + epsilon a_k.

        Args:
            codes: (N, d), of any model whose codes have d dimensions.
            size: a number, or one a code (N,).

        Raises:
            InvalidInputError: codes or sizes of another shape.
            UsageError: there is no such direction.
        """
        array = np.asarray(codes, np.float32)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise InvalidInputError(
                f"These directions move codes of {self.width} dimensions, (N, {self.width}); "
                f"the codes have shape {array.shape}."
            )
        if not 0 <= direction < len(self):
            raise UsageError(
                f"There is no direction {direction}: they run from 0 to {len(self) - 1}."
            )
        sizes = np.asarray(size, np.float32)
        if sizes.shape not in ((), (len(array),)):
            raise InvalidInputError(
                f"Give one size, or one for each of {len(array)} codes, not {sizes.shape}."
            )
        return array + sizes[..., None] * self.vectors[direction]

    def images(
        self,
        generator: Generator,
        codes: np.ndarray,
        direction: int,
        sizes: Any,
        labels: Any = None,
    ) -> np.ndarray:
        """Images (N, S, H, W, C) in [0, 1] of `codes` (N, d), moved by each of `sizes` (S,).

        `labels` (N,), or one for all, are needed by a conditional generator alone: what is drawn
        keeps its label all along the way.

        Raises:
            InvalidInputError, UsageError: as `check_fits`, `shift` and `Generator.images`.
        """
        self.check_fits(generator)
        moved = np.stack([self.shift(codes, direction, size) for size in sizes], axis=1)
        if labels is not None:
            labels = np.broadcast_to(np.asarray(labels), len(moved))[:, None]
            labels = np.broadcast_to(labels, moved.shape[:2])
        return generator.images(moved, labels)

    def check_fits(self, generator: Generator) -> None:
        """Nothing, if the directions move the generator's codes.

        Raises:
            InvalidInputError: the generator's codes have another number of dimensions.
        """
        if generator.width != self.width:
            raise InvalidInputError(
                f"These directions move codes of {self.width} dimensions; those of "
                f"{generator.graph.name!r} have {generator.width}. Find directions of its own."
            )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes one compressed .npz file, whole or not at all; gives back its path."""
        about = {"method": self.method, "names": self.names, "about": dict(self.about)}
        content = io.BytesIO()
        np.savez_compressed(content, vectors=self.vectors, about=np.array(json.dumps(about)))
        return write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Directions:
        """Reads what `save` wrote.

        Raises:
            DataNotFoundError: there is no such file.
            InvalidInputError: the file is damaged, or holds no directions.
        """
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {path}; write one with Directions.save.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                about = json.loads(str(archive["about"]))
                vectors = archive["vectors"]
            names = tuple(map(str, about["names"]))
            return cls(vectors, str(about["method"]), names, dict(about["about"]))
        except (
            *(OSError, ValueError, KeyError, TypeError, EOFError),
            *(zipfile.BadZipFile, AttributeError, InvalidInputError),
        ) as error:
            raise InvalidInputError(
                f"{path} is damaged, or was not written by Directions.save: {error}"
            ) from None
