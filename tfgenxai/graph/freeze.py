"""Freeze: one flat GraphDef without variables and without function calls.

TensorFlow's ``convert_variables_to_constants_v2`` hands the graph to Grappler, needs a live
function and stops at what it does not know. Freezing here rewrites protocol buffers and
executes nothing, so that an untrusted SavedModel can be frozen too, and every operation
keeps its kind and, where names allow, its name:

- A call of a library function is replaced by the body. Its nodes keep their names where
  these are free; else they go below the name of the call.
- All reads of a variable become one constant, named as the variable.
- ``While``, ``If`` and ``Case`` stay, with bodies flattened in the same way; variables that
  they read are handed to them as values.
- Control edges, device placements and private attributes go. With them goes the marker of
  a custom gradient: the gradient of a frozen graph is that of the operations in it.
- The state of a random generator is drawn afresh at each call, or else every sample would
  be the same. Any other variable keeps the value it has when frozen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import TfgenxaiError
from tfgenxai.graph import control_flow, fold, refs
from tfgenxai.graph.bindings import INT32, INT64, Binding, Handle, Variable, attr, type_number

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_KEPT_PRIVATE = frozenset({"_lower_using_switch_merge", "_num_original_outputs"})
_V1_CONTROL_FLOW = frozenset({"Enter", "Exit", "NextIteration", "Switch", "Merge"})
_RETURN = re.compile(r"Identity(_\d+)?")


@dataclass(frozen=True)
class Frozen:
    """A flat graph.

    ``outputs`` are references into ``graph_def``; ``variables`` maps each constant that holds
    a variable's value to the name of that variable, with a number where two have one name.
    """

    graph_def: Any
    outputs: list[str]
    variables: dict[str, str]


def freeze(
    graph_def: Any,
    variables: Mapping[str, Variable],
    inputs: Mapping[str, str],
    outputs: Iterable[str],
) -> Frozen:
    """A flat graph that computes ``outputs``, in which every variable is a constant.

    Args:
        graph_def: a GraphDef; its library holds the functions that it calls.
        variables: name of the node that stands for a variable (its handle, or the placeholder
            that captures the handle) -> the variable. Looked up only when it is needed.
        inputs: name of an input's node -> the name that its placeholder gets.
        outputs: references into ``graph_def``, as ``node`` or ``node:1``.

    Raises:
        TfgenxaiError: an operation is unknown, or uses a variable in a way that cannot be
            frozen; the message names it.
    """
    nodes = {node.name: node for node in graph_def.node}
    wanted = [refs.parse(output) for output in outputs]
    flattener = Flattener({f.signature.name: f for f in graph_def.library.function})
    env: dict[str, list[Binding]] = {}
    for name, new_name in inputs.items():
        env[name] = [flattener.placeholder(nodes[name], new_name)]
    for name in refs.needed(nodes, wanted, stop=inputs):
        if name in variables:
            handle = Handle(variables[name])
            by_reference = nodes[name].op in ("Variable", "VariableV2")  # of TensorFlow 1
            env[name] = [flattener.value(handle) if by_reference else handle]
    flattener.inline(nodes, env, wanted, call="")
    flat = [flattener.value(env[name][index]) for name, index in wanted]
    flattener.refresh_generator_states()
    frozen = flattener.result(flat)
    frozen.graph_def.versions.CopyFrom(graph_def.versions)
    return frozen


class Flattener:
    """Builds one flat graph; each branch of control flow is built by a flattener of its own."""

    def __init__(self, library: Mapping[str, Any], parent: Flattener | None = None) -> None:
        self.library = library
        self.nodes: dict[str, Any] = {}
        self.taken: set[str] = set()
        self.inputs: set[str] = set()
        self.variables: dict[str, str] = {}  # constant's name -> variable's name
        self._constant_of: dict[Variable, refs.Ref] = {}
        self._integers: set[str] = set()  # the constants that were integer variables
        # One freezing shares these among its flatteners.
        self.branches: dict[tuple, Any] = {} if parent is None else parent.branches
        self.assigned: set[Variable] = set() if parent is None else parent.assigned

    # -- bodies ---------------------------------------------------------------------------

    def inline(
        self,
        nodes: Mapping[str, Any],
        env: dict[str, list[Binding]],
        wanted: list[refs.Ref],
        call: str,
    ) -> None:
        """Add what ``wanted`` needs of ``nodes``.

        ``env`` binds the outputs of arguments on entry, and of all added nodes on return.
        """
        for node in nodes.values():
            if node.op.startswith("Assign") and node.op.endswith("VariableOp"):
                bound = env.get(refs.parse(node.input[0])[0], [None])[0]
                if isinstance(bound, Handle):
                    self.assigned.add(bound.variable)
        keep = refs.needed(nodes, wanted, stop=env)
        kept = {name: node for name, node in nodes.items() if name in keep and name not in env}
        for node in kept.values():
            if node.op in _V1_CONTROL_FLOW:
                raise TfgenxaiError(
                    f"The node {node.name!r} ({node.op}) belongs to a loop or condition of "
                    "TensorFlow 1. Export the model again with TensorFlow 2."
                )
        names = self._flat_names(kept, call)
        for name in refs.in_order(kept):
            sources: list[Binding] = []
            for ref in (r for r in kept[name].input if not refs.is_control(r)):
                source, index = refs.parse(ref)
                sources.append(env[source][index])
            env[name] = self._add(kept[name], names[name], sources)

    def _flat_names(self, nodes: Mapping[str, Any], call: str) -> dict[str, str]:
        """Names in the flat graph: their own; all below the name of the call if one is taken."""
        emitted = {name: node for name, node in nodes.items() if self._is_emitted(node)}
        taken = [node for name, node in emitted.items() if name in self.taken]
        # Constants, and what is named like an input, move out of the way on their own.
        move_all = any(n.op != "Const" and n.name not in self.inputs for n in taken)
        prefix = self.unique(call or "main") + "/" if move_all else ""
        return {
            name: self.unique(prefix + name) if name in emitted else prefix + name for name in nodes
        }

    def _is_emitted(self, node: Any) -> bool:
        """Whether the node itself, not something in its place, goes into the flat graph."""
        return not (
            node.op in _CALLS
            or node.op in self.library
            or node.op == "ReadVariableOp"
            or self._is_return(node)
        )

    @staticmethod
    def _is_return(node: Any) -> bool:
        """Whether this is the unnamed identity that a traced function puts at its outputs."""
        return node.op == "Identity" and _RETURN.fullmatch(node.name) is not None

    def _add(self, node: Any, name: str, sources: list[Binding]) -> list[Binding]:
        """Add one node under ``name``; gives a binding for each of its outputs."""
        if node.op in _CALLS or node.op in self.library:
            return self._call(node, name, sources)
        if node.op in control_flow.BRANCHES:
            return control_flow.add(self, node, name, sources)
        if self._is_return(node):
            return [sources[0]]
        if any(isinstance(source, Handle) for source in sources):
            return self._add_use_of_variable(node, name, sources)
        inputs = [refs.text(source) for source in sources]  # type: ignore[arg-type]
        # An integer variable may turn out to be the state of a random generator.
        known = [None if t in self._integers else self.nodes.get(t) for t in inputs]
        folded = fold.fold(node, known)
        if folded is not None:
            origin = self.variables.get(inputs[0])
            if origin is not None:
                self.variables[name] = origin
            return [self.constant(name, folded)]
        self.emit(name, node.op, inputs, node.attr)
        count = sum(n for _, n in refs.output_slots(node, self.library).values())
        return [(name, i) for i in range(count)]

    def _call(self, node: Any, name: str, sources: list[Binding]) -> list[Binding]:
        callee = node.op if node.op in self.library else node.attr["f"].func.name
        if callee not in self.library:
            raise TfgenxaiError(f"The graph calls a function {callee!r} that it does not hold.")
        arguments, nodes, returned = refs.flat_body(self.library[callee], self.library)
        env: dict[str, list[Binding]] = {a: [s] for a, s in zip(arguments, sources, strict=True)}
        self.inline(nodes, env, returned, call=name)
        return [env[source][index] for source, index in returned]

    def _add_use_of_variable(self, node: Any, name: str, sources: list[Binding]) -> list[Binding]:
        if node.op in ("Identity", "IdentityN"):
            return list(sources)
        handle, rest = sources[0], [s for s in sources[1:] if not isinstance(s, Handle)]
        if not isinstance(handle, Handle) or len(rest) != len(sources) - 1:
            raise _unfreezable(node)
        if node.op == "ReadVariableOp":
            return [self.value(handle)]
        if node.op == "VarIsInitializedOp":
            return [self.constant(name, np.array(True))]
        if node.op == "RngReadAndSkip":
            return [self._random_integers(name, handle.variable.value)]
        if node.op not in ("VariableShape", "ResourceGather", "ResourceGatherNd"):
            raise _unfreezable(node)
        value = refs.text(self.value(handle))
        more = [refs.text(ref) for ref in rest]
        kept = {key: node.attr[key] for key in ("out_type", "Tindices") if key in node.attr}
        if node.op == "VariableShape":
            self.emit(name, "Shape", [value], {**kept, "T": attr(type=handle.variable.type)})
        elif node.op == "ResourceGatherNd":
            kept["Tparams"] = attr(type=handle.variable.type)
            self.emit(name, "GatherNd", [value, *more], kept)
        else:
            axis = np.array(node.attr["batch_dims"].i, np.int32)
            kept |= {"Tparams": attr(type=handle.variable.type), "Taxis": attr(type=INT32)}
            kept["batch_dims"] = node.attr["batch_dims"]
            at = refs.text(self.constant(self.unique(name + "/axis"), axis))
            self.emit(name, "GatherV2", [value, *more, at], kept)
        return [(name, 0)]

    # -- nodes ----------------------------------------------------------------------------

    def emit(self, name: str, op: str, inputs: list[str], attrs: Mapping[str, Any]) -> None:
        """Add a node, without device, placement hints and other private attributes."""
        from tensorflow.core.framework import node_def_pb2

        node = node_def_pb2.NodeDef(name=name, op=op, input=inputs)
        for key, value in attrs.items():
            if not key.startswith("_") or key in _KEPT_PRIVATE:
                node.attr[key].CopyFrom(value)
        self.taken.add(name)
        self.nodes[name] = node

    def placeholder(self, node: Any, name: str) -> refs.Ref:
        """A placeholder called ``name`` in place of an input's node; its output."""
        self.inputs.add(name)
        self.emit(name, "Placeholder", [], {k: node.attr[k] for k in ("dtype", "shape")})
        return (name, 0)

    def constant(self, name: str, value: np.ndarray) -> refs.Ref:
        """A constant called ``name``; its output."""
        import tensorflow as tf

        tensor = tf.make_tensor_proto(value)
        self.emit(
            name, "Const", [], {"dtype": attr(type=tensor.dtype), "value": attr(tensor=tensor)}
        )
        return (name, 0)

    def value(self, binding: Binding) -> refs.Ref:
        """The tensor behind a binding; for a variable the constant with its value."""
        if not isinstance(binding, Handle):
            return binding
        if binding.tensor is None:
            variable = binding.variable
            if variable not in self._constant_of:
                name = self.unique(variable.name)
                self.variables[name] = name
                self._constant_of[variable] = self.constant(name, variable.value)
                if variable.value.dtype.kind in "iu":
                    self._integers.add(name)
            binding.tensor = self._constant_of[variable]
        return binding.tensor

    def unique(self, name: str) -> str:
        """``name``, or ``name_1``, ``name_2``, ...: the first that no node has; it is taken."""
        candidate, i = name, 0
        while candidate in self.taken:
            i += 1
            candidate = f"{name}_{i}"
        self.taken.add(candidate)
        return candidate

    def refresh_generator_states(self) -> None:
        """Let integer variables that the graph assigns to be drawn at random, call by call."""
        for variable, (name, _) in self._constant_of.items():
            if variable in self.assigned and name in self._integers:
                self._random_integers(name, variable.value)
                del self.variables[name]

    def _random_integers(self, name: str, like: np.ndarray) -> refs.Ref:
        wide = like.dtype.itemsize == 8
        drawn = np.int64 if wide else np.int32
        shape = self.constant(self.unique(name + "/shape"), np.array(like.shape, np.int32))
        low = self.constant(self.unique(name + "/low"), np.array(0, drawn))
        high = self.constant(self.unique(name + "/high"), np.array(np.iinfo(drawn).max, drawn))
        source = self.unique(name + "/random")
        types = {"T": attr(type=INT32), "Tout": attr(type=INT64 if wide else INT32)}
        self.emit(source, "RandomUniformInt", [refs.text(r) for r in (shape, low, high)], types)
        types = {"SrcT": types["Tout"], "DstT": attr(type=type_number(like.dtype))}
        self.emit(name, "Cast", [source], types)
        return (name, 0)

    def result(self, outputs: list[refs.Ref]) -> Frozen:
        """What the outputs need, and the inputs, in the order of execution."""
        from tensorflow.core.framework import graph_pb2

        keep = refs.needed(self.nodes, outputs) | self.inputs
        graph_def = graph_pb2.GraphDef()
        kept = {name: node for name, node in self.nodes.items() if name in keep}
        graph_def.node.extend(kept[name] for name in refs.in_order(kept))
        graph_def.library.function.extend(
            {f.signature.name: f for f in self.branches.values()}.values()
        )
        variables = {c: v for c, v in self.variables.items() if c in keep}
        return Frozen(graph_def, [refs.text(ref) for ref in outputs], variables)


def _unfreezable(node: Any) -> TfgenxaiError:
    return TfgenxaiError(
        f"The node {node.name!r} uses a variable through {node.op!r}, which cannot be frozen. "
        "Export a signature that reads its variables only."
    )
