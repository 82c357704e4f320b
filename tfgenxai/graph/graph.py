"""Graph: a frozen network that is addressed by layer and differentiated between any two cuts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.graph import gradients, kinds, layers, refs, sources
from tfgenxai.graph.after import following
from tfgenxai.graph.cut import Cut
from tfgenxai.graph.scopes import without_number
from tfgenxai.graph.specialise import specialised

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgenxai.graph.layers import LayerTable


class Graph:
    """A network without variables and without source code.

    Made by ``tfgenxai.load(path)[signature]`` or one of the ``from_`` methods. Every operation
    is a node of one flat graph; every batch size fits.

    Attributes:
        inputs, outputs: name -> symbolic tensor, in the order of the signature.
        layers: the table of layers: name, kind, output shape, number of parameters.
        random: the tensors of random numbers that the outputs depend on; feed one to choose
            the numbers instead of drawing them.
        graph: the ``tf.Graph`` that the symbolic tensors belong to.
        graph_def: the same as a protocol buffer, in the order of execution.
        variables: name of each constant that was a variable -> the variable's name.
    """

    def __init__(self, source: sources.Source) -> None:
        import tensorflow as tf

        self.name = source.name
        self.graph_def = source.frozen.graph_def
        self.variables = source.frozen.variables
        self._source = source
        self._cuts: dict[tuple, Cut] = {}
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.graph_util.import_graph_def(self.graph_def, name="")
        at = self.graph.get_tensor_by_name
        self.inputs = {name: at(node + ":0") for name, node in source.inputs.items()}
        pairs = zip(source.outputs, source.frozen.outputs, strict=True)
        self.outputs = {name: at(refs.full(ref)) for name, ref in pairs}

    # -- where graphs come from ------------------------------------------------------------

    @classmethod
    def from_saved_model(
        cls, path: str | Path, signature: str = "serving_default", *, trusted: bool = False
    ) -> Graph:
        """One signature of a SavedModel; see ``tfgenxai.load`` for what ``trusted`` means.

        Raises:
            ModelNotFoundError, UntrustedModelError, DamagedModelError: as ``tfgenxai.load``.
        """
        from tfgenxai.saved.read import load

        return load(path, trusted=trusted)[signature]

    @classmethod
    def from_keras(cls, model: Any, inputs: Any = None) -> Graph:
        """What a Keras model or layer (Keras 3 or tf-keras) computes at inference.

        Args:
            model: a model or layer; its weights are copied.
            inputs: a ``tf.TensorSpec`` or a shape with the batch dimension, or a nest of these
                as the model takes it; needed only for a model that was never called or built.

        Raises:
            UsageError: the model's input is not known.
        """
        return cls(sources.from_keras(model, inputs))

    @classmethod
    def from_function(cls, function: Any) -> Graph:
        """What a ``tf.function`` with an input signature, or a concrete function, computes."""
        return cls(sources.from_function(function))

    @classmethod
    def from_frozen(
        cls,
        source: str | Path | Any,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        trusted: bool = False,
    ) -> Graph:
        """A frozen graph: a ``.pb`` file or a GraphDef.

        Args:
            source: the file's path, or the GraphDef.
            inputs, outputs: names of nodes or tensors, as ``x`` or ``x:0``.
            trusted: the graph's author is trusted, so that its operations are not compared with
                the allow-list (see ``tfgenxai.load``).

        Raises:
            ModelNotFoundError, DamagedModelError: there is no such file, or it holds no graph.
            LayerNotFoundError: there is no node of that name.
            UntrustedModelError: the graph holds operations outside of the allow-list.
        """
        return cls(sources.from_frozen(source, inputs, outputs, trusted))

    # -- what is in it ----------------------------------------------------------------------

    @cached_property
    def layers(self) -> LayerTable:
        ends = [tensor.name for tensor in self.outputs.values()]
        return layers.read(self.graph, self.graph_def, ends, self.variables)

    @cached_property
    def random(self) -> tuple[tf.Tensor, ...]:
        ops = (op for op in self.graph.get_operations() if kinds.is_random(op.type))
        return tuple(op.outputs[0] for op in ops)

    @property
    def parameter_count(self) -> int:
        """Number of weights of the whole graph, each counted once."""
        held: dict[str, int] = {}
        for constant, variable in self.variables.items():
            tensor = self.graph.get_tensor_by_name(constant + ":0")
            if tensor.dtype.is_floating:
                held[variable] = tensor.shape.num_elements()
        return sum(held.values())

    def __getitem__(self, name: str) -> tf.Tensor:
        """The symbolic tensor of that name.

        In this order: a layer (its output), an input, an output, a node or a tensor
        (``node:1``), and the end of a path or a name without its number where only one fits.

        Raises:
            LayerNotFoundError: nothing has that name, or several things.
        """
        if name in self.layers.names:
            return self._tensor(self.layers[name].node)
        for named in (self.inputs, self.outputs):
            if name in named:
                return named[name]
        tensor = self._tensor(name)
        if tensor is not None:
            return tensor
        candidates = self._candidates(name)
        if len(candidates) == 1:
            return next(iter(candidates.values()))
        raise LayerNotFoundError(self._not_found(name, list(candidates)))

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except LayerNotFoundError:
            return False
        return True

    def _tensor(self, ref: str) -> tf.Tensor | None:
        try:
            return self.graph.get_tensor_by_name(refs.full(ref))
        except (KeyError, ValueError):
            return None

    def _candidates(self, name: str) -> dict[str, tf.Tensor]:
        """What the end of a path may mean: layers if any, else nodes."""
        found = {
            layer.name: self._tensor(layer.node)
            for layer in self.layers
            if layer.path.endswith("/" + name) or layer.name.endswith("/" + name)
        }
        if not found:
            found = {
                layer.name: self._tensor(layer.node)
                for layer in self.layers
                if without_number(layer.name) == name or layer.path == name
            }
        if not found:
            found = {
                node.name: self._tensor(node.name)
                for node in self.graph_def.node
                if node.name.endswith("/" + name) and node.op != "Const"
            }
        return found

    def _not_found(self, name: str, candidates: list[str]) -> str:
        if candidates:
            return f"{name!r} could be any of {_listed(candidates)}: give a longer name."
        known = [*self.layers.names, *self.inputs, *self.outputs]
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Closest: {_listed(close)}." if close else f"There are {_listed(known)}."
        return f"The graph {self.name!r} has no layer or tensor {name!r}. {hint}"

    # -- its weights and gradients ---------------------------------------------------------

    def value(self, name: str) -> np.ndarray:
        """The value of a constant, such as a weight: one of ``variables`` or ``Layer.variables``.

        Raises:
            LayerNotFoundError: there is no constant of that name.
        """
        import tensorflow as tf

        return tf.make_ndarray(self._constant(self.graph_def, name).attr["value"].tensor)

    def with_values(self, values: Mapping[str, np.ndarray]) -> Graph:
        """The same network with other weights; for tests that randomise parameters.

        Args:
            values: name of a constant -> its new value, of the same shape.

        Raises:
            LayerNotFoundError: there is no constant of that name.
            InvalidInputError: a value has another shape than the constant.
        """
        import tensorflow as tf

        graph_def = type(self.graph_def)()
        graph_def.CopyFrom(self.graph_def)
        for name, value in values.items():
            tensor = self._constant(graph_def, name).attr["value"].tensor
            old = tf.make_ndarray(tensor)
            new = np.asarray(value, old.dtype)
            if new.shape != old.shape:
                raise InvalidInputError(f"{name!r} has shape {old.shape}, not {new.shape}.")
            tensor.CopyFrom(tf.make_tensor_proto(new))
        return self._of(graph_def)

    def with_gradients(self, rules: Mapping[str, gradients.GradientRule]) -> Graph:
        """The same network, in which operations have other gradients; what it computes stays.

        Args:
            rules: kind of operation, such as ``"Relu"`` -> a function that takes the
                ``tf.Operation`` and the gradient of its output, and gives that of its input.

        Example:
            >>> def rectified(op, gradient):
            ...     return tf.nn.relu(gradient)
            >>> deconvnet = g.with_gradients({"Relu": rectified})
        """
        return self._of(gradients.with_rules(self.graph_def, rules))

    def with_inputs(self, values: Mapping[str, Any]) -> Graph:
        """The same network with inputs held at a value: a conditional generator of one class.

        Args:
            values: name of an input -> its value for one sample, the same for every sample. Free
                sizes that it settles become known in all shapes that depend on them.

        Raises:
            LayerNotFoundError: there is no such input.
            UsageError: no input is left.
            InvalidInputError: a value does not fit its input.

        Example:
            >>> seven = tfgenxai.load("cgan")["generate"].with_inputs({"label": 7})
            >>> writer = tfgenxai.load("scrabble-gan")["generate"]
            >>> word = writer.with_inputs({"label": [2, 0, 2, 6]})
        """
        return Graph(specialised(self._source, self.inputs, values, {}))

    def with_shapes(self, shapes: Mapping[str, Sequence[int]]) -> Graph:
        """The same network for inputs of one size; explainers ask for known sizes of layers.

        Args:
            shapes: name of an input -> its shape without the batch, such as (32, 64, 1).

        Raises:
            LayerNotFoundError: there is no such input.
            InvalidInputError: the input is of other sizes.
        """
        return Graph(specialised(self._source, self.inputs, {}, shapes))

    def after(self, layer: str) -> Graph:
        """What follows a layer: takes the layer's output as an input of that name.

        Inputs that pass the layer by, such as a style that also enters later, stay inputs.

        Raises:
            LayerNotFoundError: there is no such layer.
            UsageError: it is an input, or no output depends on it.

        Example:
            >>> rest = tfgenxai.load("scrabble-gan@2026")["generate"].after("generator_filters")
            >>> list(rest.inputs)
            ['z', 'generator_filters']
        """
        return Graph(following(self._source, layer, self[layer]))

    def _of(self, graph_def: Any) -> Graph:
        """A graph of other nodes with the same names."""
        frozen = replace(self._source.frozen, graph_def=graph_def)
        return Graph(replace(self._source, frozen=frozen))

    def _constant(self, graph_def: Any, name: str) -> Any:
        for node in graph_def.node:
            if node.name == name and node.op == "Const":
                return node
        raise LayerNotFoundError(
            f"The graph {self.name!r} has no constant {name!r}. There are "
            f"{_listed(list(self.variables))}."
        )

    # -- what it computes -------------------------------------------------------------------

    def function(
        self,
        feeds: str | tf.Tensor | Sequence[str | tf.Tensor],
        fetches: str | tf.Tensor | Sequence[str | tf.Tensor],
    ) -> Cut:
        """The function from ``feeds`` to ``fetches``; the same object for the same cut.

        Only what depends on the feeds is computed from them; what lies before a fed inner
        tensor is not computed at all.

        Args:
            feeds: an input, a layer or any tensor of the graph, or several.
            fetches: likewise; one gives one tensor, a list or tuple gives a tuple. Where an
                input and an output share a name, a fetch means the output.

        Raises:
            LayerNotFoundError: a name is not in the graph.
            UsageError: a fetch depends on an input that is not fed, or on no feed.

        Example:
            >>> encode = g.function("image", ["mu", "log_var"])
            >>> mu, log_var = encode(images)
            >>> maps = g.function("image", "encoder_conv_3")(images)
            >>> tail = g.function("encoder_conv_3", "mu")
            >>> with tf.GradientTape() as tape:
            ...     tape.watch(maps)
            ...     mu = tail(maps)
            >>> jacobian = tape.batch_jacobian(mu, maps)     # (N, latents, H, W, channels)
        """
        ins, _ = self._tensors(feeds, self.inputs)
        outs, single = self._tensors(fetches, self.outputs)
        if len({tensor.name for tensor in ins}) < len(ins):
            raise UsageError("A tensor is fed twice: name each feed once.")
        if not ins or not outs:
            raise UsageError("A function needs at least one tensor to feed and one to fetch.")
        key = (tuple(t.name for t in ins), tuple(t.name for t in outs), single)
        if key not in self._cuts:
            self._cuts[key] = Cut(self.graph_def, ins, outs, single, self._source.captured)
        return self._cuts[key]

    def _tensors(self, named: Any, first: Mapping[str, tf.Tensor]) -> tuple[list[tf.Tensor], bool]:
        """Symbolic tensors, and whether one stood alone; names are looked up in ``first`` first."""
        single = not isinstance(named, (list, tuple))
        found = []
        for item in [named] if single else named:
            if isinstance(item, str):
                found.append(first[item] if item in first else self[item])
            elif getattr(item, "graph", None) is self.graph:
                found.append(item)
            else:
                raise LayerNotFoundError(
                    f"{item!r} is not a tensor of the graph {self.name!r}: give a name, or a "
                    "tensor from this graph's inputs, outputs or graph[...]."
                )
        return found, single

    def __repr__(self) -> str:
        ends = [
            ", ".join(f"{name} {_shape(tensor)}" for name, tensor in tensors.items())
            for tensors in (self.inputs, self.outputs)
        ]
        size = f"{len(self.layers)} layers, {self.parameter_count:,} parameters"
        return f"<Graph {self.name!r}: {ends[0]} -> {ends[1]}; {size}>"


def _shape(tensor: Any) -> str:
    return str(tuple(tensor.shape)) if tensor.shape.rank is not None else "(?)"


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (", ..." if len(names) > most else "")
