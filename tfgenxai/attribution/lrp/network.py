"""`Network`: what a part of a graph computes, as plain data that rules can work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import ops

#: Kinds of steps with a weight matrix, which rules of LRP are about.
KERNELS = frozenset({"dense", "conv", "depthwise", "conv_transpose"})


@dataclass(frozen=True, eq=False)
class Step:
    """One computation; the value that it gives has the place `output`.

    By kind, with the options of each:

    * "dense": weights (in, out), on the last axis.
    * "conv": weights (h, w, in, out); `strides` (y, x), `dilations` (y, x), and `padding`, which
      is "SAME", "VALID" or ((top, bottom), (left, right)).
    * "depthwise": weights (h, w, in, multiplier); `strides`, `dilations`, `padding` likewise.
    * "conv_transpose": weights (h, w, out, in); `strides`, `padding` likewise.
    * "affine": weights that broadcast to a sample and multiply it, as a lone batch normalisation.
    * "activation": `name`, a key of `ops.ACTIVATIONS`, and its `alpha` if it has one.
    * "max_pool", "average_pool": `size` (y, x), `strides` (y, x), `padding` "SAME" or "VALID".
    * "mean", "sum": over the `axes`, `keepdims` or not.
    * "resize": bilinear; `rows` (out, in) and `columns` (out, in) hold the coefficients.
    * "add": the sum of all inputs, which have the same shape.
    * "concat": of all inputs along `axis`.
    * "product": of two inputs, both computed, summed over the letters of `equation` (as `tf.einsum`
      writes it, in lower case, of one sample) that the result lacks. `held` is the input, 0 or 1,
      that relevance takes for constant: attention weights, which a softmax gives; a gain, which is
      the same for all places; what does not depend on the source. None where neither is such.
    * "route": every element of the output is an element of the input, or a constant. `how` says
      which: "reshape"; "transpose" by `perm`; "pad" by `paddings` with `mode` and `value`;
      "slice" by `slices`; "gather" of `indices` on `axis`; "tile" by `multiples`; "broadcast";
      "nearest", `align_corners` or `half_pixel_centers`; "depth_to_space" and "space_to_depth" by
      `block`.
    * "constant": no input; weights are the value of one sample.
    * "side": no input; the value of `tensor`, by name, which does not depend on the source but on
      `depends`: "label", say, or "noise".

    Images are NHWC. Axes, and shapes, are those of one sample: 0 is the first after the batch.

    Attributes:
        kind: see above.
        op: type of the TensorFlow operation.
        layer: name of the layer in `graph.layers`, or of the operation where it is in none.
        inputs: places of the values that it takes; 0 is the source.
        output: place of the value that it gives.
        weights: see above; None for other kinds.
        bias: what is added last, (out,) or broadcasting to a sample; None without one. A batch
            normalisation that follows a kernel is part of its weights and bias.
        options: see above.
    """

    kind: str
    op: str
    layer: str
    inputs: tuple[int, ...]
    output: int
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def carriers(self) -> tuple[int, ...]:
        """The inputs that relevance goes back to: all but a held one."""
        held = self.options.get("held")
        return tuple(place for i, place in enumerate(self.inputs) if i != held)


@dataclass(frozen=True, eq=False)
class Network:
    """Steps in the order of execution, from the source at place 0 to the output.

    Attributes:
        steps: the step at index k gives the value at place k + 1.
        shapes: of one sample, by place.
        source, target: names of the tensors in the graph.
    """

    steps: tuple[Step, ...]
    shapes: tuple[tuple[int, ...], ...]
    source: str
    target: str

    @property
    def output(self) -> int:
        """Place of the target's value."""
        return len(self.steps)

    @property
    def reached(self) -> frozenset[int]:
        """Places that relevance of the output gets to: all but those of held factors alone."""
        found = {self.output}
        for step in reversed(self.steps):
            if step.output in found:
                found.update(step.carriers)
        return frozenset(found)

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the tensors whose values `values` wants besides the source."""
        return tuple(step.options["tensor"] for step in self.steps if step.kind == "side")

    def values(self, x: tf.Tensor, sides: Mapping[str, tf.Tensor] | None = None) -> list[tf.Tensor]:
        """The value at every place, (n, *shape).

        Args:
            x: (n, ...), the source's value; everything is computed in its type.
            sides: value (n, ...) by name, for each of `self.sides`.
        """
        values = [x]
        for step in self.steps:
            if step.kind == "side":
                value = tf.cast((sides or {})[step.options["tensor"]], x.dtype)
            elif step.kind == "constant":
                value = ops.repeated(tf.constant(step.weights, x.dtype), tf.shape(x)[0])
            else:
                inputs = [values[place] for place in step.inputs]
                value = ops.forward(step, inputs, self.shapes[step.output])
            values.append(value)
        return values

    def forward(self, x: tf.Tensor, sides: Mapping[str, tf.Tensor] | None = None) -> tf.Tensor:
        """The target's value, (n, *shape); arguments as for `values`."""
        return self.values(x, sides)[self.output]

    @property
    def logits(self) -> int:
        """Place before the last softmax, sigmoid or tanh; `output` if there is none.

        After it there may only be steps that reshape, rescale, shift or clip: (tanh(x) + 1) / 2 of
        a generator's image, say.
        """
        place = self.output
        while place:
            step = self.steps[place - 1]
            name = step.options.get("name")
            if name in ops.BOUNDED:
                return step.inputs[0]
            is_elementwise = step.kind == "affine" or name in ("minimum", "maximum")
            if not is_elementwise and step.options.get("how") != "reshape":
                break
            place = step.inputs[0]
        return self.output
