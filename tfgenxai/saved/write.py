"""Export a trained model as a SavedModel with named signatures and a model card, atomically."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfgenxai.errors import ExportError
from tfgenxai.saved.card import write_card

#: Smaller weights, such as biases, save nothing worth their digits.
_LEAST_HALVED = 1024


def export(model: Any, path: str | Path, card: dict[str, Any], *, half: bool = False) -> Path:
    """Writes `path` (a SavedModel folder) and `path.keras` (to go on training); returns `path`.

    With `half`, the SavedModel keeps kernels in 16 bits, rounded to three decimal digits, and is
    half as large; it still computes in 32. The archive keeps every digit.

    Everything is written to a temporary folder beside `path` and renamed at the end: a full disk
    leaves whatever was at `path` as it was, and raises ExportError. A process killed between the
    last two renames leaves the previous model in that folder, `.NAME.PID.partial`.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        folder, archive = partial / "model", partial / "model.keras"
        signatures = _write_saved_model(model, folder, half)
        stored = {"signatures": signatures, "weights": "float16" if half else "float32"}
        write_card(folder, card | stored)
        model.save(archive)
        _swap({folder: path, archive: path.with_name(path.name + ".keras")})
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(f"{path} was not written: {_cause(error)}. {_kept(path)}") from error
    finally:
        if not any(partial.glob("previous-*")) or path.exists():
            shutil.rmtree(partial, ignore_errors=True)
    return path


def _write_saved_model(model: Any, folder: Path, half: bool) -> list[str]:
    module = tf.Module()
    functions = model.export_signatures()
    halved: dict[int, tuple[Any, tf.Variable]] = {}
    if half:
        halved = _halved(model)
        # `serving_default` is another's function, which is traced once.
        made = {id(f): _reading(f, halved) for f in dict.fromkeys(functions.values())}
        functions = {name: made[id(function)] for name, function in functions.items()}
    signatures = {name: function.get_concrete_function() for name, function in functions.items()}
    for name, function in functions.items():
        if name != "serving_default":
            setattr(module, name, function)
    # What no signature reads stays behind, such as a generator of which an average draws.
    module.weights = _read_by(signatures.values())
    tf.saved_model.save(module, str(folder), signatures=signatures)
    _forget_seeds(folder / "saved_model.pb")
    return list(signatures)


def _read_by(signatures: Iterable[Any]) -> list[tf.Variable]:
    """The variables of traced functions, each once, in the order in which they were first read."""
    found: dict[int, tf.Variable] = {}
    for signature in signatures:
        by_handle = {id(variable.handle): variable for variable in signature.variables}
        # `variables` come from a set, in any order.
        for captured in signature.captured_inputs:
            if id(captured) in by_handle:
                found.setdefault(id(captured), by_handle[id(captured)])
    return list(found.values())


def _halved(model: Any) -> dict[int, tuple[Any, tf.Variable]]:
    """The larger weights by the id of their variable: as they are, and in 16 bits."""
    return {
        id(weight.value): (weight, tf.Variable(tf.cast(weight.value, tf.float16), name=weight.path))
        for weight in model.weights
        if weight.dtype == "float32" and tf.size(weight.value) >= _LEAST_HALVED
    }


def _reading(function: Any, halved: dict[int, tuple[Any, tf.Variable]]) -> Any:
    """`function`, with what it reads of these weights taken from the 16-bit ones."""
    used = [halved[id(v)] for v in function.get_concrete_function().variables if id(v) in halved]

    @tf.function(input_signature=function.input_signature)
    def from_halves(*inputs: tf.Tensor) -> Any:
        values = [(weight, tf.cast(stored, tf.float32)) for weight, stored in used]
        with keras.StatelessScope(state_mapping=values):
            return function.python_function(*inputs)

    return from_halves


def _forget_seeds(file: Path) -> None:
    """Lets the random operations draw afresh in every process.

    Tracing under a global seed writes that seed into each of them, after which `sample` would
    draw the same images whenever the model is loaded.
    """
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for meta in model.meta_graphs:
        functions = meta.graph_def.library.function
        for nodes in (meta.graph_def.node, *(function.node_def for function in functions)):
            for node in nodes:
                for name in {"seed", "seed2"} & set(node.attr):
                    node.attr[name].i = 0
    file.write_bytes(model.SerializeToString())


def _swap(places: dict[Path, Path]) -> None:
    """Puts every new file or folder in its place; all of them, or else none."""
    undo: list[tuple[Path, Path]] = []
    try:
        for new, place in places.items():
            if place.exists():
                previous = new.with_name(f"previous-{new.name}")
                os.replace(place, previous)
                undo.append((previous, place))
            os.replace(new, place)
            undo.append((place, new))
    except BaseException:
        for source, target in reversed(undo):
            os.replace(source, target)
        raise


def _cause(error: Exception) -> str:
    text = str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in text or isinstance(error, tf.errors.ResourceExhaustedError):
        return "the disk is full; free some space and export again"
    return text.splitlines()[0] if text else type(error).__name__


def _kept(path: Path) -> str:
    return "The model that was there is untouched." if path.exists() else "Nothing was left behind."
