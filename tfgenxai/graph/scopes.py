"""Which operations of a frozen graph form a layer, and what that layer is called.

A graph has no layers, only operations with names such as
``cvae_1/encoder_1/encoder_conv_0_1/BiasAdd``. Two things lead back to the layer:

- *Variables.* A constant that was the variable ``encoder/encoder_conv_0/kernel`` says that
  the innermost scope ``encoder_conv_0_1`` around its reader is the layer ``encoder_conv_0``:
  TensorFlow appends ``_1``, ``_2``, ... to a scope that is opened again, and Keras 3 opens
  every scope twice.
- *The tree of scopes.* A scope around layers is a model. Else the outermost scope is the
  layer. If the layers with variables had a number appended, so had their neighbours.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfgenxai.graph import kinds, refs

_NUMBER = re.compile(r"_\d+$")
# Names that TensorFlow, not the user, gives to the reading of a variable.
_READING = re.compile(r"(/(Cast|Cast_\d+|Read|ReadVariableOp|ReadVariableOp_\d+|resource))+$")


@dataclass
class Group:
    """The operations of one layer; ``scope`` is None for an operation outside of layers."""

    scope: str | None
    path: str
    nodes: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # constant -> variable


def without_number(name: str) -> str:
    """A name without the number that TensorFlow appended, if any."""
    return _NUMBER.sub("", name)


class Scopes:
    """The groups of a graph.

    Args:
        nodes: name -> NodeDef, in the order of execution.
        data: names of the nodes that the model's data pass.
        variables: name of a constant -> name of the variable that it was.
    """

    def __init__(
        self, nodes: Mapping[str, Any], data: Iterable[str], variables: Mapping[str, str]
    ) -> None:
        self._nodes = nodes
        self._data = dict.fromkeys(data)
        self._variables = {c: _READING.sub("", v) for c, v in variables.items()}
        self._reopened: list[bool] = []
        self._true_path = self._anchors()
        self._models = {p for scope in self._true_path for p in _above(scope)}
        self._kernel_scopes = self._scopes_of_kernels()
        self._models |= {p for scope in self._kernel_scopes for p in _above(scope)}
        self._direct: Counter[str] = Counter()
        self._standing_alone: Counter[str] = Counter()
        self._children: dict[str, set[str]] = defaultdict(set)
        for name in self._data:
            parts = self._layer_parts(name)
            for i in range(1, len(parts) + 1):
                if i < len(parts):
                    self._children["/".join(parts[:i])].add(parts[i])
                else:
                    self._direct["/".join(parts)] += 1
                    alone = kinds.stands_alone(nodes[name].op)
                    self._standing_alone["/".join(parts)] += alone

    def groups(self) -> list[Group]:
        """The layers, in the order of their last operation's place in the graph."""
        found: dict[str, Group] = {}
        for name, node in self._nodes.items():
            constants = [c for c in (r.partition(":")[0] for r in node.input) if c in
                         self._variables]  # fmt: skip
            if name not in self._data and not constants:
                continue
            scope = self._layer_scope(name)
            if scope is None:
                group = self._outside(name, found)
                if group is None:
                    continue
            else:
                group = found.setdefault(scope, Group(scope, self._path(scope)))
            group.nodes.append(name)
            group.variables.update({c: self._variables[c] for c in constants})
        return [group for group in found.values() if not self._data.keys().isdisjoint(group.nodes)]

    # -- where layers are --------------------------------------------------------------------

    def _anchors(self) -> dict[str, str]:
        """Scope -> true path, for the scopes that variables name."""
        readers = [
            (name, self._variables[source].split("/")[:-1])
            for name, node in self._nodes.items()
            for source in (ref.partition(":")[0] for ref in node.input)
            if source in self._variables
        ]
        kernels = ["/".join(self._layer_parts(n)) for n in self._data if self._is_kernel(n)]
        found: dict[str, str] = {}
        for name, path in readers:
            scope = _innermost(name, path[-1]) if path else None
            if scope is None:
                continue
            self._reopened.append(_last(scope) != path[-1])
            # Keras may leave the layer out of a variable's name: what matches then is the model.
            inside = any(kernel.startswith(scope + "/") for kernel in kernels)
            if not inside or "/".join(self._layer_parts(name)) == scope:
                found.setdefault(scope, "/".join(path))
        # The cell of a recurrent layer has no scope of its own outside of the loop.
        models = {above for scope in (*found, *kernels) for above in _above(scope)}
        for name, path in readers:
            if not any(scope in found for scope in _above(name)):
                for i in range(len(path) - 1, 0, -1):
                    scope = _innermost(name, path[i - 1])
                    if scope is not None and scope not in models:
                        found.setdefault(scope, "/".join(path[:i]))
                        break
        return found

    def _is_kernel(self, name: str) -> bool:
        return self._nodes[name].op in kinds.KERNELS

    def _scopes_of_kernels(self) -> set[str]:
        """Scopes with one linear operation, or a separable convolution, and no variable's name."""
        held: dict[str, list[str]] = defaultdict(list)
        for name in self._data:
            scope = name.rpartition("/")[0]
            if self._is_kernel(name) and scope and not self._anchor(name):
                held[scope].append(self._nodes[name].op)
        return {
            scope
            for scope, ops in held.items()
            if scope not in self._models
            and (len(ops) == 1 or sorted(ops) == ["Conv2D", "DepthwiseConv2dNative"])
        }

    def _anchor(self, name: str) -> str | None:
        return next((scope for scope in _above(name) if scope in self._true_path), None)

    def _layer_parts(self, name: str) -> list[str]:
        """The scopes around a node, less those in which TensorFlow builds one operation."""
        parts = name.split("/")[:-1]
        while parts and "/".join(parts) in self._nodes:
            parts.pop()
        return parts

    def _layer_scope(self, name: str) -> str | None:
        for scope in _above(name):
            if scope in self._true_path or scope in self._kernel_scopes:
                return scope
        parts = self._layer_parts(name)
        for i in range(1, len(parts) + 1):
            scope = "/".join(parts[:i])
            if not self._is_model(scope):
                return scope
        return None

    def _is_model(self, scope: str) -> bool:
        """Whether layers lie below the scope; TensorFlow's own functions open scopes as well."""
        inner = [f"{scope}/{child}" for child in self._children[scope]]
        return (
            scope in self._models
            or any(self._standing_alone[child] for child in inner)
            or (len(inner) == 1 and not self._direct[scope])
        )

    def _outside(self, name: str, found: dict[str, Group]) -> Group | None:
        """The group of an operation outside of layers: its own, or that of its linear operation."""
        node = self._nodes[name]
        source = refs.parse(node.input[0])[0] if node.input else ""
        if node.op in ("BiasAdd", "AddV2") and source in found:
            bias = refs.parse(node.input[1])[0]
            if self._is_kernel(source) and self._nodes[bias].op == "Const":
                return found[source]
        if name not in self._data or not kinds.stands_alone(node.op):
            return None
        return found.setdefault(name, Group(None, name))

    # -- what they are called ----------------------------------------------------------------

    def _path(self, scope: str) -> str:
        """The layer's path in the model, without the numbers that tracing appended."""
        if scope in self._true_path:
            return self._true_path[scope]
        parent, _, last = scope.rpartition("/")
        beside = [s for s in self._true_path if s.rpartition("/")[0] == parent]
        if beside:
            reopened = all(_last(s) != _last(self._true_path[s]) for s in beside)
            above = self._true_path[beside[0]].rpartition("/")[0]
        else:
            reopened = bool(self._reopened) and all(self._reopened)
            above = self._path(parent) if parent else ""
        last = without_number(last) if reopened else last
        return f"{above}/{last}" if above else last


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _innermost(name: str, layer: str) -> str | None:
    """The innermost scope around a node that may be called ``layer``, numbered or not."""
    for scope in _above(name):
        if _last(scope) == layer or without_number(_last(scope)) == layer:
            return scope
    return None


def _above(name: str) -> list[str]:
    """The scopes around a name, innermost first."""
    parts = name.split("/")
    return ["/".join(parts[:i]) for i in range(len(parts) - 1, 0, -1)]


def short_names(groups: list[Group]) -> list[str]:
    """For each group the shortest end of its path that no other group shares.

    Groups of one path (a layer that is called twice) get the shortest end of their scope.
    """
    twice = {p for p, n in Counter(group.path for group in groups).items() if n > 1}
    paths = [group.scope if group.path in twice and group.scope else group.path for group in groups]
    ends = Counter(end for path in paths for end in set(_ends(path)))
    return [next((end for end in _ends(path) if ends[end] == 1), path) for path in paths]


def _ends(path: str) -> list[str]:
    """``a/b/c`` -> ``c``, ``b/c``, ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[i:]) for i in reversed(range(len(parts)))]
