"""`Attribution`: what an explainer gives back."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.files import write_bytes

if TYPE_CHECKING:
    import pandas

_AXES = {1: ("feature",), 2: ("y", "x"), 3: ("y", "x", "channel")}


@dataclass(frozen=True, eq=False)
class Attribution:
    """Relevance of every input element, or of every place of a layer, for every target.

    Attributes:
        values: float32, (N, ...) for one target, (N, T, ...) for a family; raw, as the method's
            formula gives them. (...) is one map: the input's shape, or a layer's (h, w).
        method: name of the method, as in the registry.
        target_names: T names.
        input_shape: shape of one explained input.
        family: whether `values` has a target axis.
        layer: the layer whose maps are explained, for class activation maps.
        convergence_delta: sum of the relevance minus what theory says it should be, (N,) or
            (N, T), for methods with a sum rule.
        delta_parts: what the delta consists of, by name, each of its shape, where the method
            can tell: LRP names the biases' share and the stabiliser's.
        settings: the method's settings, the seed among them.
    """

    values: np.ndarray
    method: str
    target_names: tuple[str, ...]
    input_shape: tuple[int, ...]
    family: bool = False
    layer: str | None = None
    convergence_delta: np.ndarray | None = None
    delta_parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Shape of one map."""
        return tuple(self.values.shape[2 if self.family else 1 :])

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        targets = f"{len(self.target_names)} targets" if self.family else self.target_names[0]
        layer = f", layer={self.layer!r}" if self.layer else ""
        return f"Attribution({self.method}, {targets}, {len(self)} maps of {self.map_shape}{layer})"

    def __getitem__(self, index: int | slice | np.ndarray | list[int]) -> Attribution:
        """The attribution of some samples, N = 1 for an int; `target` chooses among targets."""
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise UsageError(f"There is no sample {index}: they run from 0 to {len(self) - 1}.")
            index = [int(index)]
        return replace(self, values=self.values[index], **self._deltas(lambda delta: delta[index]))

    def target(self, target: int | str) -> Attribution:
        """The attribution of one target of a family, by place or name."""
        place = self._place(target)
        if not self.family:
            return self
        return replace(
            self,
            values=self.values[:, place],
            target_names=(self.target_names[place],),
            family=False,
            **self._deltas(lambda delta: delta[:, place]),
        )

    def mean_map(self) -> Attribution:
        """The mean map over the targets of a family: M = (1/D) sum_i M^i of Liu et al. 2020."""
        if not self.family:
            return self
        return replace(
            self,
            values=self.values.mean(axis=1, dtype=np.float32),
            target_names=(f"mean of {len(self.target_names)} targets",),
            family=False,
            **self._deltas(lambda delta: delta.mean(axis=1, dtype=np.float32)),
        )

    def at_input_resolution(self, i: int, target: int | str = 0) -> np.ndarray:
        """Map of sample i as large as the input, (H, W[, C]), interpolated bilinearly.

        Pixel centres are aligned as in `tf.image.resize`; a map that already has the input's
        height and width comes back as it is.
        """
        values = np.asarray(self[i].target(target).values[0])
        size = self.input_shape[:2]
        if values.shape[:2] == size or values.ndim < 2:
            return values
        if len(self.input_shape) != 3:
            raise UsageError(f"Inputs of shape {self.input_shape} are no images to scale up to.")
        import tensorflow as tf

        flat = values.ndim == 2
        scaled = tf.image.resize(values[..., None] if flat else values, size, method="bilinear")
        return scaled.numpy()[..., 0] if flat else scaled.numpy()

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table with one row a value: sample, target, its place in the map, value."""
        import pandas

        values = np.asarray(self.values if self.family else self.values[:, None])
        shape = values.shape
        rank = len(shape) - 2
        axes = _AXES.get(rank, tuple(f"axis_{i}" for i in range(rank)))
        places: Any = np.indices(shape, dtype=np.int32, sparse=True)
        columns: dict[str, Any] = {
            name: np.broadcast_to(place, shape).ravel()
            for name, place in zip(("sample", "target", *axes), places, strict=True)
        }
        columns["target"] = pandas.Categorical.from_codes(
            columns["target"], categories=pandas.Index(self.target_names)
        )
        return pandas.DataFrame({**columns, "value": values.ravel()})

    def save(self, path: str | os.PathLike[str], *, values: bool = True) -> Path:
        """Writes one compressed .npz file, whole or not at all; gives back its path.

        Args:
            values: False for values that streamed to a .npy file in the same folder: they stay
                there, and `load` maps them from there.

        Raises:
            UsageError: there is no such file.
        """
        arrays = {"values": np.asarray(self.values)} if values else {}
        if self.convergence_delta is not None:
            arrays["convergence_delta"] = np.asarray(self.convergence_delta)
        for part, delta in self.delta_parts.items():
            arrays[_PART + part] = np.asarray(delta)
        about = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _KEPT_APART}
        if not values:
            about["values_file"] = self._values_file(Path(path)).name
        content = io.BytesIO()
        np.savez_compressed(content, about=np.array(json.dumps(about)), **arrays)  # type: ignore[arg-type]
        return write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Reads what `save` wrote.

        Raises:
            DataNotFoundError: there is no such file, or none with the values that it speaks of.
            InvalidInputError: the file is damaged, or no attribution.
        """
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {path}; write one with Attribution.save.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                about = json.loads(str(archive["about"]))
                arrays = {name: archive[name] for name in _ARRAYS if name in archive}
                about["delta_parts"] = {
                    name.removeprefix(_PART): archive[name]
                    for name in archive.files
                    if name.startswith(_PART)
                }
            about["target_names"] = tuple(about["target_names"])
            about["input_shape"] = tuple(about["input_shape"])
            if beside := about.pop("values_file", None):
                arrays["values"] = np.load(Path(path).with_name(beside), mmap_mode="r")
            return cls(**arrays, **about)
        except FileNotFoundError as error:
            raise DataNotFoundError(
                f"The values of {path} are in {error.filename}, which is not there."
            ) from None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidInputError(
                f"{path} is damaged, or was not written by Attribution.save: {error}."
            ) from None

    def _values_file(self, path: Path) -> Path:
        """The file in the folder of `path` that holds these values, all of them and no others."""
        name = getattr(self.values, "filename", None)
        if name is not None and Path(name).parent.resolve() == path.parent.resolve():
            whole = np.load(name, mmap_mode="r").shape == self.values.shape
            if whole and self.values.flags.c_contiguous:
                return Path(name)
        raise UsageError(
            f"The values are in no .npy file beside {path}: save them too, or let the method "
            f"write them there with out=."
        )

    def _deltas(self, choose: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
        """The convergence delta and its parts, of some samples or targets."""
        delta = self.convergence_delta
        return {
            "convergence_delta": None if delta is None else choose(delta),
            "delta_parts": {name: choose(part) for name, part in self.delta_parts.items()},
        }

    def _place(self, target: int | str) -> int:
        count = len(self.target_names)
        if isinstance(target, str):
            if target not in self.target_names:
                shown = ", ".join(self.target_names[:5]) + (", ..." if count > 5 else "")
                raise UsageError(f"No target is called {target!r}; there are {shown}.")
            return self.target_names.index(target)
        if not 0 <= target < count:
            raise UsageError(f"There is no target {target}: they run from 0 to {count - 1}.")
        return int(target)


_ARRAYS = ("values", "convergence_delta")
_KEPT_APART = (*_ARRAYS, "delta_parts")
_PART = "delta_"
