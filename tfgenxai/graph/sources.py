"""Where frozen graphs come from: functions, Keras models and GraphDefs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfgenxai.errors import (
    DamagedModelError,
    LayerNotFoundError,
    ModelNotFoundError,
    UsageError,
)
from tfgenxai.graph import refs
from tfgenxai.graph.bindings import Variable
from tfgenxai.graph.freeze import Frozen, freeze


@dataclass(frozen=True)
class Source:
    """What a Graph is made of.

    Attributes:
        name: what the graph is called in messages.
        frozen: the flat graph and its outputs, in the order of ``outputs``.
        inputs: name of an input -> its placeholder's node.
        outputs: names of the outputs.
        captured: placeholder's node -> a tensor that the graph holds on to, such as a lookup
            table; variables are never among them.
        owner: the object that the captured tensors live with, if there are any.
    """

    name: str
    frozen: Frozen
    inputs: Mapping[str, str]
    outputs: Sequence[str]
    captured: Mapping[str, Any] = field(default_factory=dict)
    owner: Any = None


def from_function(
    function: Any, name: str | None = None, paths: Mapping[int, str] | None = None
) -> Source:
    """The source for a concrete function, or a ``tf.function`` with an input signature.

    Args:
        function: the function.
        name: what the graph is called; else the function's name.
        paths: ``id`` of a variable's handle -> a better name for it than its own.

    Raises:
        UsageError: a ``tf.function`` that has no input signature.
    """
    if hasattr(function, "get_concrete_function"):
        try:
            function = function.get_concrete_function()
        except (TypeError, ValueError) as error:
            raise UsageError(
                "A tf.function needs an input_signature to become a Graph; or pass "
                "function.get_concrete_function(tf.TensorSpec(...))."
            ) from error
    graph = function.graph
    held = {id(variable.handle): variable for variable in graph.variables}
    variables, constants, captured = {}, {}, {}
    for outer, inner in graph.captures:
        node = inner.op.name
        variable = held.get(id(outer))
        if variable is not None:
            path = (paths or {}).get(id(outer), variable.name.partition(":")[0])
            variables[node] = Variable(path, variable.numpy())
        elif outer.dtype.name in ("resource", "variant"):
            captured[node] = outer
        else:
            constants[node] = outer.numpy()
    inner_names = {inner.op.name for _, inner in graph.captures}
    inputs = [t.op.name for t in function.inputs if t.op.name not in inner_names]
    graph_def = _with_constants(graph.as_graph_def(), constants)
    outputs = [tensor.name for tensor in function.outputs]
    frozen = freeze(graph_def, variables, {node: node for node in inputs}, outputs)
    return Source(
        name or graph.name,
        frozen,
        {node: node for node in inputs},
        _output_names(function.structured_outputs, len(outputs)),
        captured,
    )


def from_signature(loaded: Any, name: str) -> Source:
    """The source for a signature of what ``tf.saved_model.load`` gave."""
    function = loaded.signatures[name]
    source = from_function(function, name)
    keys = sorted(function.structured_input_signature[1])
    outputs = sorted(function.structured_outputs)
    inputs = dict(zip(keys, source.inputs.values()))
    owner = loaded if source.captured else None
    return replace(source, inputs=inputs, outputs=outputs, owner=owner)


def _with_constants(graph_def: Any, constants: Mapping[str, np.ndarray]) -> Any:
    """The graph with placeholders replaced by constants."""
    import tensorflow as tf

    for node in graph_def.node:
        if node.name in constants:
            tensor = tf.make_tensor_proto(constants[node.name])
            node.op = "Const"
            node.attr.clear()
            node.attr["dtype"].type = tensor.dtype
            node.attr["value"].tensor.CopyFrom(tensor)
    return graph_def


def _output_names(structure: Any, count: int) -> list[str]:
    if isinstance(structure, Mapping) and len(structure) == count:
        return sorted(structure)
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]


def from_keras(model: Any, inputs: Any = None) -> Source:
    """The source for a Keras model or layer; see ``Graph.from_keras``."""
    import tensorflow as tf

    specs = _keras_inputs(model) if inputs is None else _as_specs(inputs)
    trains = "training" in inspect.signature(model.call).parameters

    @tf.function(input_signature=[specs], autograph=False)
    def call(values: Any) -> Any:
        return model(values, training=False) if trains else model(values)

    # Keras 3 knows the whole path of a variable, its tf.Variable may not.
    paths = {id(v.value.handle): v.path for v in model.variables if hasattr(v, "path")}
    source = from_function(call, model.name, paths)
    names = list(getattr(model, "output_names", None) or [])
    if source.outputs[0].startswith("output") and len(names) == len(source.outputs):
        source = replace(source, outputs=names)
    return source


def _keras_inputs(model: Any) -> Any:
    """Specifications of what a built model takes, with a free batch."""
    known = getattr(model, "inputs", None)
    if known:
        structure = getattr(model, "_inputs_struct", known)
        if isinstance(structure, Mapping):
            return {key: _as_spec(tensor, key) for key, tensor in structure.items()}
        named = not any(tensor.name.startswith("keras_tensor") for tensor in known)
        specs = [
            _as_spec(tensor, tensor.name if named else "input" if len(known) == 1 else f"input_{i}")
            for i, tensor in enumerate(known)
        ]
        return specs[0] if len(specs) == 1 else specs
    config = model.get_build_config() or {}
    if list(config) != ["input_shape"] or not config["input_shape"]:
        raise UsageError(
            f"What {model.name!r} takes is not known: call it once, or pass inputs=(None, height, "
            "width, channels). A model with several arguments: Graph.from_function."
        )
    return _as_specs((None, *config["input_shape"][1:]))


def _as_specs(inputs: Any) -> Any:
    """Specifications from a nest of specifications, tensors and shapes."""
    if isinstance(inputs, Mapping):
        return {key: _as_spec(value, key) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)) and not all(
        size is None or isinstance(size, int) for size in inputs
    ):
        return [_as_specs(value) for value in inputs]
    return _as_spec(inputs, "input")


def _as_spec(value: Any, name: str) -> Any:
    import tensorflow as tf

    shape = getattr(value, "shape", value)
    dtype = getattr(value, "dtype", tf.float32)
    own = value.name if isinstance(value, tf.TensorSpec) else None
    return tf.TensorSpec(shape, dtype, own or name)


def from_frozen(
    source: Any, inputs: Sequence[str], outputs: Sequence[str], trusted: bool = False
) -> Source:
    """The source for a frozen graph; see ``Graph.from_frozen``."""
    from tensorflow.core.framework import graph_pb2

    from tfgenxai.saved.trust import check_graph_def

    name = "graph"
    if isinstance(source, (str, Path)):
        name, source = Path(source).stem, _read_graph_def(Path(source))
    graph_def = graph_pb2.GraphDef()
    graph_def.CopyFrom(source)
    nodes = {node.name: node for node in graph_def.node}
    ins = [refs.parse(ref)[0] for ref in inputs]
    outs = [refs.text(refs.parse(ref)) for ref in outputs]
    for node in (*ins, *(refs.parse(ref)[0] for ref in outs)):
        if node not in nodes:
            close = difflib.get_close_matches(node, nodes, n=3) or list(nodes)[:8]
            raise LayerNotFoundError(
                f"The graph {name!r} has no node {node!r}. Closest: {', '.join(close)}."
            )
    if not trusted:
        check_graph_def(graph_def, f"The graph {name!r}")
    frozen = freeze(graph_def, {}, {node: node for node in ins}, outs)
    weights = {
        node.name: node.name
        for node in frozen.graph_def.node
        if node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim) > 0
    }
    return Source(name, replace(frozen, variables=weights), {node: node for node in ins}, outs)


def _read_graph_def(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import graph_pb2

    if not path.is_file():
        raise ModelNotFoundError(f"There is no file {str(path)!r}; expected a frozen graph (.pb).")
    graph_def = graph_pb2.GraphDef()
    try:
        graph_def.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise DamagedModelError(
            f"{str(path)!r} is not a frozen graph: it cannot be read as a GraphDef."
        ) from error
    return graph_def
