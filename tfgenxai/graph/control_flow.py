"""``While``, ``If`` and ``Case`` in a frozen graph: they stay, without variables inside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfgenxai.errors import TfgenxaiError
from tfgenxai.graph import refs
from tfgenxai.graph.bindings import RESOURCE, Binding, Handle

if TYPE_CHECKING:
    from tfgenxai.graph.freeze import Flattener

# Operation -> the attributes that name its functions.
BRANCHES = {
    "While": ("body", "cond"),
    "StatelessWhile": ("body", "cond"),
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "Case": ("branches",),
    "StatelessCase": ("branches",),
}


def add(flattener: Flattener, node: Any, name: str, sources: Sequence[Binding]) -> list[Binding]:
    """Add a control flow node under ``name``, its branches flattened; binds its outputs.

    A variable's handle among the inputs becomes the variable's value.
    """
    is_loop = node.op.endswith("While")
    arguments = sources if is_loop else sources[1:]
    attrs = dict(node.attr.items())
    for key in BRANCHES[node.op]:
        branches = node.attr[key].list.func or [node.attr[key].func]
        new = [_branch(flattener, branch.name, arguments) for branch in branches]
        attrs[key] = _functions(new, is_list=key == "branches")

    inputs = [refs.text(flattener.value(source)) for source in sources]
    types = "T" if is_loop else "Tin"
    attrs[types] = _copy(node.attr[types])
    shapes = _copy(node.attr["output_shapes"])
    for i, argument in enumerate(arguments):
        if isinstance(argument, Handle):
            attrs[types].list.type[i] = argument.variable.type
            if is_loop and shapes.list.shape:
                shapes.list.shape[i].Clear()
                for size in argument.variable.value.shape:
                    shapes.list.shape[i].dim.add(size=size)
    if "output_shapes" in attrs:
        attrs["output_shapes"] = shapes
    if not is_loop and any(t == RESOURCE for t in node.attr["Tout"].list.type):
        raise TfgenxaiError(f"The node {name!r} gives back a variable, which cannot be frozen.")
    flattener.emit(name, node.op, inputs, attrs)
    if is_loop:
        # A handle goes round a loop unchanged.
        return [a if isinstance(a, Handle) else (name, i) for i, a in enumerate(arguments)]
    return [(name, i) for i in range(len(node.attr["Tout"].list.type))]


def _branch(flattener: Flattener, name: str, arguments: Sequence[Binding]) -> str:
    """Name of a flat copy of a library function that takes values in place of handles."""
    key = (name, tuple(a.variable if isinstance(a, Handle) else None for a in arguments))
    if key not in flattener.branches:
        function = flattener.library[name]
        names, nodes, returned = refs.flat_body(function, flattener.library)
        inner = type(flattener)(flattener.library, parent=flattener)
        inner.taken.update(names)
        env: dict[str, list[Binding]] = {
            n: [Handle(a.variable, (n, 0)) if isinstance(a, Handle) else (n, 0)]
            for n, a in zip(names, arguments, strict=True)
        }
        inner.inline(nodes, env, returned, call=name)
        flat = type(function)()
        flat.signature.is_stateful = function.signature.is_stateful
        for old, argument in zip(function.signature.input_arg, arguments, strict=True):
            new = flat.signature.input_arg.add(name=old.name, type=old.type)
            if isinstance(argument, Handle):
                new.type = argument.variable.type
        slots = {n: refs.output_slots(node, {}) for n, node in inner.nodes.items()}
        for node in inner.nodes.values():
            copy = flat.node_def.add()
            copy.CopyFrom(node)
            copy.input[:] = [_nested(refs.parse(r), slots) for r in node.input]
        for old, (source, index) in zip(function.signature.output_arg, returned, strict=True):
            binding = env[source][index]
            out = flat.signature.output_arg.add(name=old.name, type=old.type)
            if isinstance(binding, Handle):
                out.type = binding.variable.type
            flat.ret[old.name] = _nested(inner.value(binding), slots)
        # The name says the content: TensorFlow registers functions once for the process.
        content = flat.SerializeToString(deterministic=True)
        flat.signature.name = f"branch_{hashlib.sha256(content).hexdigest()[:24]}"
        flattener.branches[key] = flat
    return flattener.branches[key].signature.name


def _nested(ref: refs.Ref, slots: dict[str, dict[str, tuple[int, int]]]) -> str:
    """A reference as function bodies spell it: ``argument`` or ``node:output:0``."""
    name, index = ref
    if name not in slots:
        return name
    for output, (start, count) in slots[name].items():
        if start <= index < start + count:
            return f"{name}:{output}:{index - start}"
    raise AssertionError(f"node {name} has no output {index}")


def _functions(names: Sequence[str], is_list: bool) -> Any:
    from tensorflow.core.framework import attr_value_pb2

    value = attr_value_pb2.AttrValue()
    for name in names:
        (value.list.func.add() if is_list else value.func).name = name
    return value


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def register(library: Any) -> list[Any]:
    """Make the functions of a frozen graph known to TensorFlow's runtime.

    ``import_graph_def`` gives a function library to the runtime of sessions only. The result is
    for ``add_to_default_graph``, without which a loop has no gradient.
    """
    import tensorflow as tf
    from tensorflow.python.eager.polymorphic_function import atomic_function
    from tensorflow.python.framework import function_def_to_graph

    functions = []
    with tf.Graph().as_default() as scratch:
        for definition in library.function:  # inner loops come first
            body = function_def_to_graph.function_def_to_graph(definition)
            name = definition.signature.name
            function = atomic_function.from_func_graph(name, body, {}, overwrite=True)
            scratch._add_function_recursive(function)
            functions.append(function)
    return functions


def add_to_default_graph(functions: Sequence[Any]) -> None:
    """Add registered functions to the graph that is being built."""
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    for function in functions:
        graph._add_function_recursive(function)
