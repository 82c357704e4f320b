"""Other gradients for the operations of a frozen graph, chosen by kind of operation.

TensorFlow looks the gradient of an operation up by its kind, or by the name in the node's attribute
`_gradient_op_type` where it has one. That attribute survives the import of a GraphDef, in loops
and branches too, so that one more node attribute is all a graph needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: (operation, gradient of its output) -> gradient of its input
GradientRule = Callable[[Any, Any], Any]

_registered: dict[GradientRule, str] = {}


def with_rules(graph_def: Any, rules: Mapping[str, GradientRule]) -> Any:
    """A copy of the GraphDef whose operations of these kinds have these gradients.

    Args:
        rules: kind of operation, such as "Relu" -> its gradient. A rule is registered with
            TensorFlow once and for good: let it be a function of a module.
    """
    names = {kind: _registered_name(rule) for kind, rule in rules.items()}
    changed = type(graph_def)()
    changed.CopyFrom(graph_def)
    for node in _nodes(changed):
        if node.op in names:
            node.attr["_gradient_op_type"].s = names[node.op].encode()
    _rename_functions(changed, names)
    return changed


def _registered_name(rule: GradientRule) -> str:
    import tensorflow as tf

    if rule not in _registered:
        name = f"tfgenxai/{len(_registered)}/{rule.__qualname__}"
        tf.RegisterGradient(name)(rule)
        _registered[rule] = name
    return _registered[rule]


def _rename_functions(graph_def: Any, rules: Mapping[str, str]) -> None:
    """Name the functions of loops and branches by their rules too: names stand for contents."""
    digest = hashlib.sha256(repr(sorted(rules.items())).encode()).hexdigest()[:8]
    for function in graph_def.library.function:
        function.signature.name += f"_{digest}"
    for node in _nodes(graph_def):
        for value in node.attr.values():
            for called in [value.func, *value.list.func]:
                if called.name:
                    called.name += f"_{digest}"


def _nodes(graph_def: Any) -> Iterator[Any]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def
