"""`Target`, and the one that any function makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, find_output, named

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class Target(ABC):
    """What is explained; a subclass says where it is found in a graph."""

    @abstractmethod
    def on(self, graph: Graph) -> Explained:
        """The target in this graph.

        Raises:
            UsageError: the graph lacks what the target needs, or has not that many units.
            InvalidInputError: an array of the target has the wrong shape, NaN or infinities.
            LayerNotFoundError: the graph has no layer of the name given.
        """


@dataclass(frozen=True)
class Scalar(Target):
    """Any scalar.

    Args:
        fn: from a mapping of names to tensors (n, ...) to a tensor (n,), in TensorFlow operations
            that treat samples separately.
        fetches: outputs or layers that `fn` wants; by default all outputs.
        name: what to call it.
    """

    fn: Callable[[Mapping[str, tf.Tensor]], tf.Tensor]
    fetches: tuple[str, ...] | None = None
    name: str = "scalar"

    def on(self, graph: Graph) -> Explained:
        """`fn` of the fetched tensors."""
        names = tuple(graph.outputs) if self.fetches is None else tuple(self.fetches)
        tensors = tuple(find_output(graph, name, (), "Scalar") for name in names)

        def read(values: tuple[tf.Tensor, ...], inputs: Any) -> tf.Tensor:
            scalars = tf.convert_to_tensor(self.fn(named(names, values)))
            if scalars.shape.rank != 1:
                raise UsageError(
                    f"The function of Scalar must give one number for each sample, shape (n,); "
                    f"it gave shape {scalars.shape}."
                )
            return scalars[:, None]

        return Explained(graph, tensors, read, (self.name,), key=("Scalar", self.fn, names))
