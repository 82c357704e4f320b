"""A cut: the part of a frozen graph between some tensors and some others, as a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import control_flow, refs


class Cut:
    """The function from the tensors ``feeds`` to the tensors ``fetches`` of a frozen graph.

    Call it with one array or tensor a feed; one fetch gives a tensor, several give a tuple.
    It can be differentiated by ``tf.GradientTape`` (also ``batch_jacobian``) and
    ``tf.autodiff.ForwardAccumulator``, used inside another ``tf.function``, and is traced
    once whatever the batch size.

    Attributes:
        feeds, fetches: names of the tensors, as ``node`` or ``node:1``.
        function: the concrete function underneath.
        traces: how often it was traced.
    """

    def __init__(
        self,
        graph_def: Any,
        feeds: Sequence[Any],
        fetches: Sequence[Any],
        single: bool,
        captured: Mapping[str, Any],
    ) -> None:
        import tensorflow as tf

        self.feeds = tuple(_name(feed) for feed in feeds)
        self.fetches = tuple(_name(fetch) for fetch in fetches)
        self._single = single
        self._specs = [tf.TensorSpec(feed.shape, feed.dtype) for feed in feeds]
        part = _Part(graph_def, feeds, fetches, captured)
        self._functions = control_flow.register(part.library)

        self.traces = 0

        def compute(*values: Any) -> Any:
            self.traces += 1
            fed = dict(zip(self.feeds, values, strict=True))
            sources = {refs.full(n): value for n, value in fed.items() if refs.full(n) in part.read}
            for name, known in part.batch_shapes.items():
                sources[refs.full(name)] = known.read(fed)
            for name in part.captured:
                sources[refs.full(name)] = tf.identity(captured[name])
            control_flow.add_to_default_graph(self._functions)
            inner = [refs.full(name) for name in self.fetches if name not in fed]
            found = tf.graph_util.import_graph_def(
                part.graph_def, input_map=sources, return_elements=inner, name=""
            )
            results = dict(zip(inner, found, strict=True))
            got = [
                tf.identity(fed[name]) if name in fed else results[refs.full(name)]
                for name in self.fetches
            ]
            return got[0] if single else tuple(got)

        # Concrete at once: TensorFlow warns of retracing where many functions share their code.
        traced = tf.function(compute, input_signature=self._specs, autograph=False)
        self.function = traced.get_concrete_function()

    def __call__(self, *values: Any) -> Any:
        """The fetches, computed from one value a feed.

        Raises:
            UsageError: the number of values differs from the number of feeds.
            InvalidInputError: a value has the wrong shape or type.
        """
        if len(values) != len(self.feeds):
            raise UsageError(
                f"This function takes {len(self.feeds)} value(s), for {', '.join(self.feeds)}; "
                f"it got {len(values)}."
            )
        fed = zip(self.feeds, values, self._specs, strict=True)
        return self.function(*(_checked(name, value, spec) for name, value, spec in fed))

    def __repr__(self) -> str:
        fetches = self.fetches[0] if self._single else f"({', '.join(self.fetches)})"
        return f"<Cut {', '.join(self.feeds)} -> {fetches}>"


class _BatchShape:
    """The shape of a tensor outside the cut: known but for the batch, which a feed tells."""

    def __init__(self, feed: str, shape: Sequence[int | None], dtype: Any) -> None:
        self.feed, self.shape, self.dtype = feed, list(shape), dtype

    def read(self, fed: Mapping[str, Any]) -> Any:
        import tensorflow as tf

        batch = tf.shape(fed[self.feed], out_type=self.dtype)[:1]
        return tf.concat([batch, tf.constant(self.shape[1:], self.dtype, [len(self.shape) - 1])], 0)


class _Part:
    """The nodes that a cut needs.

    Only what depends on the feeds, on constants and on random numbers is computed. If a node
    asks for nothing but the batch size of a tensor that the feeds do not reach (Keras' sampling
    layers may ask the image's), the batch size of the first feed with a free batch is taken.
    """

    def __init__(
        self,
        graph_def: Any,
        feeds: Sequence[Any],
        fetches: Sequence[Any],
        captured: Mapping[str, Any],
    ) -> None:
        self._nodes = {node.name: node for node in graph_def.node}
        self._fed = {refs.parse(_name(feed)) for feed in feeds}
        self._feeds, self._graph = feeds, feeds[0].graph
        self.batch_shapes: dict[str, _BatchShape] = {}
        missing: dict[str, set[str]] = {}
        reached: set[str] = set()
        for name, node in self._nodes.items():
            if node.op == "Placeholder":
                missing[name] = set() if name in captured else {name}
                continue
            sources = [refs.parse(ref) for ref in node.input]
            inner = [source for source, index in sources if (source, index) not in self._fed]
            if len(inner) < len(sources) or not reached.isdisjoint(inner):
                reached.add(name)
            missing[name] = set().union(*(missing.get(source, ()) for source in inner))
            if node.op == "Shape" and missing[name]:
                known = self._batch_shape(node)
                if known is not None:
                    self.batch_shapes[name] = known
                    missing[name] = set()
        for fetch in fetches:
            self._check(refs.parse(_name(fetch)), missing, reached)

        wanted = [ref for ref in (refs.parse(_name(f)) for f in fetches) if ref not in self._fed]
        keep = self._needed(wanted)
        self.batch_shapes = {n: b for n, b in self.batch_shapes.items() if n in keep}
        self.captured = [name for name in captured if name in keep]
        self.graph_def = type(graph_def)(versions=graph_def.versions)
        outside = {*self.batch_shapes, *self.captured}
        self.read = {refs.full(ref) for name in keep - outside for ref in self._nodes[name].input}
        branching = any(self._nodes[name].op in control_flow.BRANCHES for name in keep)
        self.library = graph_def.library if branching else type(graph_def.library)()
        self.graph_def.node.extend(
            node for name, node in self._nodes.items() if name in keep and name not in outside
        )

    def _batch_shape(self, node: Any) -> _BatchShape | None:
        import tensorflow as tf

        shape = self._graph.get_tensor_by_name(refs.full(node.input[0])).shape
        if shape.rank in (None, 0) or None in shape.as_list()[1:]:
            return None
        for feed in self._feeds:
            if feed.shape.rank and feed.shape[0] == shape[0]:
                return _BatchShape(
                    _name(feed),
                    shape.as_list(),
                    tf.as_dtype(node.attr["out_type"].type or tf.int32),
                )
        return None

    def _check(self, fetch: refs.Ref, missing: Mapping[str, set[str]], reached: set[str]) -> None:
        if fetch in self._fed:
            return
        feeds = ", ".join(repr(_name(feed)) for feed in self._feeds)
        if fetch[0] not in reached:
            raise UsageError(
                f"{refs.text(fetch)!r} does not depend on {feeds}: feed a tensor that comes "
                "before it."
            )
        if missing[fetch[0]]:
            also = ", ".join(repr(name) for name in sorted(missing[fetch[0]]))
            raise UsageError(
                f"{refs.text(fetch)!r} depends on {also} too, not only on {feeds}: feed that as "
                "well, or cut at a tensor that all paths pass."
            )

    def _needed(self, wanted: Sequence[refs.Ref]) -> set[str]:
        found: set[str] = set()
        stack = list(wanted)
        while stack:
            name = stack.pop()[0]
            if name in found:
                continue
            found.add(name)
            if name not in self.batch_shapes:
                sources = (refs.parse(ref) for ref in self._nodes[name].input)
                stack += [source for source in sources if source not in self._fed]
        return found


def _name(tensor: Any) -> str:
    """A symbolic tensor's name as the frozen graph's nodes spell it."""
    return tensor.name.removesuffix(":0")


def _checked(name: str, value: Any, spec: Any) -> Any:
    """``value`` as a tensor that fits the specification."""
    import tensorflow as tf

    if not tf.is_tensor(value):
        try:
            array = np.asarray(value)
            value = tf.convert_to_tensor(array.astype(spec.dtype.as_numpy_dtype, copy=False))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{name!r} takes an array of {spec.dtype.name}, not {type(value).__name__}."
            ) from error
    if value.dtype != spec.dtype or not spec.shape.is_compatible_with(value.shape):
        raise InvalidInputError(
            f"{name!r} takes {spec.dtype.name} of shape {_shape(spec.shape)}; "
            f"it got {value.dtype.name} of shape {_shape(value.shape)}."
        )
    return value


def _shape(shape: Any) -> str:
    if shape.rank is None:
        return "any"
    sizes = ["batch" if size is None and i == 0 else "any" if size is None else str(size)
             for i, size in enumerate(shape)]  # fmt: skip
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
