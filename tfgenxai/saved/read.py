"""Read a SavedModel: each of its signatures becomes a Graph, without running the model's code.

``tf.saved_model.load`` restores variables by running the model's own functions, and runs its
initialisers. Here a model that is not trusted is read as data: ``saved_model.pb`` is parsed,
its operations are compared with an allow-list (``tfgenxai.saved.trust``), its variables come
from the checkpoint, and a signature is frozen from these when it is first asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgenxai.errors import DamagedModelError, ModelNotFoundError
from tfgenxai.saved import card as cards
from tfgenxai.saved import trust

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph

_INITIALISER = "__saved_model_init_op"


def load(path: str | Path, *, trusted: bool = False) -> SavedModel:
    """The SavedModel at ``path``: a mapping from the names of its signatures to Graphs.

    Args:
        path: the model's folder. A bare name that is no folder is looked up in
            ``saved_models/`` of the current directory, then of the checkout of this package.
            With ``@WORD`` behind it, a model of words writes and reads this one word.
        trusted: the model's author is trusted. Its operations are then not compared with the
            allow-list, and TensorFlow's own loader opens it, which runs its initialisers (lookup
            tables need that). Never pass True for a model from an unknown source.

    Raises:
        ModelNotFoundError: there is no SavedModel; names those beside it.
        DamagedModelError: a file is missing, truncated, or differs from the card's checksum.
        UntrustedModelError: the model holds operations outside of the allow-list.
        UsageError: a word is asked of a model that cannot write it.

    Example:
        >>> model = tfgenxai.load("saved_models/cvae")
        >>> model["encode"].layers
        >>> word = tfgenxai.load("scrabble-gan@2026")
    """
    name, at, word = str(path).rpartition("@")
    if at and not Path(path).exists():
        from tfgenxai.saved.word import OneWord

        return OneWord(load(name, trusted=trusted), word)
    folder = _resolve(path)
    cards.verify(folder)
    meta = _read_meta_graph(folder)
    if not trusted:
        trust.check_meta_graph(meta, f"The SavedModel {str(folder)!r}")
    return SavedModel(folder, meta, trusted)


@dataclass(frozen=True)
class Signature:
    """What a signature takes and gives: name -> ``tf.TensorSpec``."""

    name: str
    inputs: Mapping[str, tf.TensorSpec]
    outputs: Mapping[str, tf.TensorSpec]

    def __str__(self) -> str:
        takes, gives = (
            ", ".join(f"{name} {spec.dtype.name}{_shape(spec)}" for name, spec in specs.items())
            for specs in (self.inputs, self.outputs)
        )
        return f"{self.name}({takes}) -> {gives}"


class SavedModel(Mapping[str, "Graph"]):
    """A SavedModel as a mapping from signature names to Graphs, each made when first asked for.

    Attributes:
        path: the model's folder.
        card: the model card, or None if there is none.
        signatures: name -> what the signature takes and gives.
        trusted: as it was loaded.
    """

    def __init__(self, path: Path, meta: Any, trusted: bool) -> None:
        self.path = path
        self.card = cards.read_card(path)
        self.trusted = trusted
        self._meta = meta
        self.signatures = {
            name: _signature(name, definition)
            for name, definition in sorted(meta.signature_def.items())
            if name != _INITIALISER and definition.outputs
        }
        self._graphs: dict[str, Graph] = {}
        self._loaded = _load_trusted(path) if trusted else None
        self._checkpoint = None if trusted else _Checkpoint(path, meta)

    def __getitem__(self, name: str) -> Graph:
        """The Graph of a signature.

        Raises:
            ModelNotFoundError: there is no such signature; lists those that are there.
        """
        from tfgenxai.graph.graph import Graph

        if name not in self.signatures:
            raise ModelNotFoundError(
                f"{str(self.path)!r} has no signature {name!r}; it has "
                f"{', '.join(map(repr, self.signatures)) or 'none'}."
            )
        if name not in self._graphs:
            try:
                self._graphs[name] = Graph(self._source(name))
            except (ValueError, LookupError, TypeError) as error:
                why = f"the graph of {name!r} does not hold together ({_first_line(error)})"
                raise _damaged(self.path, why) from error
        return self._graphs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.signatures)

    def __len__(self) -> int:
        return len(self.signatures)

    def __contains__(self, name: object) -> bool:
        return name in self.signatures

    def get(self, name: str, default: Any = None) -> Any:
        """The Graph of a signature, or ``default`` if there is no such signature."""
        return self[name] if name in self.signatures else default

    @property
    def trained_on(self) -> Mapping[str, Any]:
        """What the card says of the training data; empty without a card."""
        return (self.card or {}).get("data") or {}

    def as_trained(self, data: ImageData) -> ImageData:
        """The images as the model was trained on them: binary, if its card says so."""
        return data.binarized() if self.trained_on.get("binarized") else data

    def __repr__(self) -> str:
        lines = [f"<SavedModel {str(self.path)!r}>", *map(str, self.signatures.values())]
        return "\n  ".join(lines)

    def _source(self, name: str) -> Any:
        from tfgenxai.graph import refs, sources
        from tfgenxai.graph.freeze import freeze

        if self._loaded is not None:
            return sources.from_signature(self._loaded, name)
        assert self._checkpoint is not None
        definition = self._meta.signature_def[name]
        inputs = {
            refs.parse(definition.inputs[key].name)[0]: key for key in self.signatures[name].inputs
        }
        outputs = [
            refs.text(refs.parse(definition.outputs[key].name))
            for key in self.signatures[name].outputs
        ]
        frozen = freeze(self._meta.graph_def, self._checkpoint.variables, inputs, outputs)
        keys = {key: key for key in self.signatures[name].inputs}
        return sources.Source(name, frozen, keys, list(self.signatures[name].outputs))


class _Checkpoint:
    """The variables of a SavedModel, read from its checkpoint without TensorFlow's loader.

    Attributes:
        variables: node of the main graph that stands for a variable -> the variable.

    Raises:
        DamagedModelError: the checkpoint is missing, truncated or does not fit the model.
    """

    def __init__(self, path: Path, meta: Any) -> None:
        import tensorflow as tf

        from tfgenxai.graph.bindings import Variable

        self.variables: dict[str, Variable] = {}
        prefix = path / "variables" / "variables"
        try:
            nodes = _variable_nodes(meta)
            if not nodes:
                return
            if not prefix.with_suffix(".index").is_file():
                raise _damaged(path, "variables/variables.index is missing")
            reader = tf.train.load_checkpoint(str(prefix))
            keys = _checkpoint_keys(meta, reader)
            read: dict[str, Variable] = {}
            for node, (owner, name) in nodes.items():
                key = keys.get(owner, name) if owner is not None else name
                if not reader.has_tensor(key):
                    raise _damaged(path, f"the checkpoint has no value for the variable {name!r}")
                if key not in read:
                    read[key] = Variable(name, reader.get_tensor(key))
                self.variables[node] = read[key]
        except DamagedModelError:
            raise
        except Exception as error:  # a damaged checkpoint fails in many ways
            raise _damaged(path, f"its variables cannot be read ({_first_line(error)})") from error


def _variable_nodes(meta: Any) -> dict[str, tuple[int | None, str]]:
    """Node of the main graph -> (number of the object that owns the variable, its name).

    Without an object graph (TensorFlow 1) there is no owner, and the name is the checkpoint's.
    """
    objects = meta.object_graph_def.nodes
    found: dict[str, tuple[int | None, str]] = {}
    if not objects:
        for node in meta.graph_def.node:
            if node.op in ("VarHandleOp", "Variable", "VariableV2"):
                found[node.name] = (None, node.attr["shared_name"].s.decode() or node.name)
        return found
    bound = meta.object_graph_def.concrete_functions
    for node in meta.graph_def.node:
        name = node.attr["f"].func.name if "f" in node.attr else ""
        if name in bound:
            owners = list(bound[name].bound_inputs)
            for source, owner in zip(node.input[len(node.input) - len(owners) :], owners):
                if objects[owner].WhichOneof("kind") == "variable":
                    found[source] = (owner, objects[owner].variable.name)
    return found


def _checkpoint_keys(meta: Any, reader: Any) -> dict[int, str]:
    """Number of an object of the SavedModel -> the checkpoint's key of its value.

    Both hold the tree of objects; the same path of names leads to the same object.
    """
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    name = "_CHECKPOINTABLE_OBJECT_GRAPH"
    if not meta.object_graph_def.nodes or not reader.has_tensor(name):
        return {}
    tree = trackable_object_graph_pb2.TrackableObjectGraph()
    tree.ParseFromString(reader.get_tensor(name))
    keys: dict[int, str] = {}
    seen = {0}
    pairs = [(0, 0)]
    while pairs:
        here, there = pairs.pop()
        for attribute in tree.nodes[there].attributes:
            if attribute.name == "VARIABLE_VALUE":
                keys[here] = attribute.checkpoint_key
        children = {child.local_name: child.node_id for child in tree.nodes[there].children}
        for child in meta.object_graph_def.nodes[here].children:
            if child.local_name in children and child.node_id not in seen:
                seen.add(child.node_id)
                pairs.append((child.node_id, children[child.local_name]))
    return keys


def _load_trusted(path: Path) -> Any:
    """What TensorFlow's loader gives. Its signatures die with it, so it has to be kept."""
    import tensorflow as tf

    try:
        return tf.saved_model.load(str(path))
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise _damaged(path, f"TensorFlow cannot load it ({_first_line(error)})") from error


def _read_meta_graph(path: Path) -> Any:
    """The MetaGraphDef for serving."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(file.read_bytes())
    except (DecodeError, OSError) as error:
        raise _damaged(path, "saved_model.pb cannot be read") from error
    serving = [m for m in model.meta_graphs if "serve" in m.meta_info_def.tags]
    if not model.meta_graphs:
        raise _damaged(path, "saved_model.pb holds no graph")
    return (serving or model.meta_graphs)[0]


def _signature(name: str, definition: Any) -> Signature:
    import tensorflow as tf

    def specs(tensors: Mapping[str, Any]) -> dict[str, tf.TensorSpec]:
        return {
            key: tf.TensorSpec(
                tf.TensorShape(tensors[key].tensor_shape), tf.as_dtype(tensors[key].dtype), key
            )
            for key in sorted(tensors)
        }

    return Signature(name, specs(definition.inputs), specs(definition.outputs))


def _resolve(path: str | Path) -> Path:
    """The folder that is meant; see ``load``."""
    path = Path(path)
    candidates = [path]
    shelves = [path.parent, path]
    if path.name == str(path):
        known = cards.shelves()
        candidates += [shelf / path.name for shelf in known]
        shelves += known
    for candidate in candidates:
        # A model that lost its graph is damaged, which its card tells; without either it is none.
        if (candidate / "saved_model.pb").is_file() or (candidate / cards.CARD).is_file():
            return candidate
    if path.is_dir() and (path / "variables").is_dir():
        raise _damaged(path, "saved_model.pb is missing")
    what = "is not a SavedModel: it has no saved_model.pb" if path.exists() else "does not exist"
    beside = {f.parent.name: f.parent for shelf in shelves for f in shelf.glob("*/saved_model.pb")}
    close = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.4) or sorted(beside)[:8]
    hint = f" Models near it: {', '.join(map(repr, close))}." if close else ""
    raise ModelNotFoundError(f"{str(path)!r} {what}.{hint}")


def _damaged(path: Path, why: str) -> DamagedModelError:
    return DamagedModelError(f"{str(path)!r} is damaged: {why}. Copy or export it again.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _shape(spec: tf.TensorSpec) -> str:
    return str(tuple(spec.shape)) if spec.shape.rank is not None else "(?)"
