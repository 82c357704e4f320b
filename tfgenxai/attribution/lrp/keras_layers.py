"""A network as a plain list of Keras 2 layers, which is what iNNvestigate reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import ops
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.network import Network, Step

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """A layer of a functional model.

    Attributes:
        kind: name of its class in `tf_keras.layers`.
        config: arguments of the class; JSON values.
        weights: in the order of `set_weights`.
        inputs: places of the values that it takes; 0 is the model's input, and layer k of the
            list gives the value at place k + 1.
    """

    kind: str
    config: dict[str, Any]
    weights: tuple[np.ndarray, ...] = ()
    inputs: tuple[int, ...] = ()

    @property
    def is_biased(self) -> bool:
        """Whether it adds anything but zeros to what it multiplies."""
        return any(bias.any() for bias in self.weights[1:2])  # the kernel, or gamma, is first


def keras_layers(network: Network) -> list[KerasLayer]:
    """The layers, in the order of execution; the last one gives the network's output.

    Activations are layers of their own, as iNNvestigate passes relevance through them. A
    batch normalisation is met only where `network` could not fold it into a kernel.

    Raises:
        UsageError: a step has no counterpart among the layers.
    """
    layers: list[KerasLayer] = []
    places = {0: 0}
    passed: set[int] = set()
    for step in network.steps:
        if step.output in passed:
            continue
        run = _repetition(network, step)
        passed.update(other.output for other in run)
        end = run[-1].output
        before, after = [network.shapes[place] for place in step.inputs], network.shapes[end]
        if len(run) > 1:
            chain = _upsampling(before[0], after, "nearest")
        else:
            translate = _COUNTERPARTS.get(step.kind)
            chain = translate(step, before, after) if translate else None
        if chain is None:
            raise UsageError(
                f"iNNvestigate has no layer for {step.op} as {step.layer!r} uses it: explain a "
                f"target that does not depend on it, or use LRP."
            )
        inputs = tuple(places[place] for place in step.inputs)
        for layer in chain:
            layers.append(KerasLayer(layer.kind, layer.config, layer.weights, inputs))
            inputs = (len(layers),)
        places[end] = len(layers)
    if len(network.shapes[network.output]) > 1:  # iNNvestigate chooses elements of vectors only
        layers.append(KerasLayer("Flatten", {}, inputs=(len(layers),)))
    return layers


def _repetition(network: Network, step: Step) -> list[Step]:
    """Steps from this one on that together repeat rows and columns; else only this one.

    Keras 3 scales images up to the nearest pixel by reshaping, tiling and reshaping each axis.
    """
    if step.options.get("how") != "reshape" or len(network.shapes[step.inputs[0]]) != 3:
        return [step]
    h, w, c = network.shapes[step.inputs[0]]
    numbers = tf.reshape(tf.range(h * w * c), (1, h, w, c))
    run, found, value = [step], [step], numbers
    while True:
        value = ops.forward(run[-1], [value], network.shapes[run[-1].output])
        shape = network.shapes[run[-1].output]
        if len(shape) == 3 and shape[:2] != (h, w) and shape[0] % h == shape[1] % w == 0:
            repeated = np.repeat(np.repeat(numbers, shape[0] // h, 1), shape[1] // w, 2)
            if np.array_equal(value, repeated):
                found = [*run]
        readers = [other for other in network.steps if run[-1].output in other.inputs]
        if len(readers) != 1 or readers[0].options.get("how") not in ("reshape", "tile"):
            return found
        run.append(readers[0])


Chain = list[KerasLayer]


def _dense(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    return [KerasLayer("Dense", {"units": after[-1], **_bias(step)}, _weights(step))]


def _conv(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    kernel = _kernel(step)
    padding, chain = _padding(step.options["padding"])
    config = {
        "filters": kernel.shape[3],
        "kernel_size": kernel.shape[:2],
        "strides": _ints(step.options["strides"]),
        "dilation_rate": _ints(step.options["dilations"]),
        "padding": padding,
        **_bias(step),
    }
    return [*chain, KerasLayer("Conv2D", config, _weights(step))]


def _depthwise(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    kernel = _kernel(step)
    padding, chain = _padding(step.options["padding"])
    config = {
        "kernel_size": kernel.shape[:2],
        "depth_multiplier": kernel.shape[3],
        "strides": _ints(step.options["strides"]),
        "dilation_rate": _ints(step.options["dilations"]),
        "padding": padding,
        **_bias(step),
    }
    return [*chain, KerasLayer("DepthwiseConv2D", config, _weights(step))]


def _conv_transpose(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    kernel = _kernel(step)
    if not isinstance(step.options["padding"], str):
        return None
    same = step.options["padding"] == "SAME"
    strides = _ints(step.options["strides"])
    axes = [*zip(before[0], kernel.shape, strides, after)]  # stops after the two strides
    config = {
        "filters": kernel.shape[2],
        "kernel_size": kernel.shape[:2],
        "strides": strides,
        "padding": "same" if same else "valid",
        **_bias(step),
    }
    usual = [n * s if same else n * s + max(k - s, 0) for n, k, s, _ in axes]
    if usual != [*after[:2]]:
        # Several output sizes belong to one input size; Keras names another than the usual one
        # by what it adds to the smallest.
        rest = [m - ((n - 1) * s + k - 2 * (k // 2 if same else 0)) for n, k, s, m in axes]
        if any(not 0 <= extra < s for extra, s in zip(rest, strides)):
            return None
        config["output_padding"] = rest
    return [KerasLayer("Conv2DTranspose", config, _weights(step))]


def _affine(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    # As a batch normalisation of mean 0 and variance 1: there, and only there, what iNNvestigate
    # makes of one equals what it computes, because sqrt(variance**2 + epsilon), by which it
    # divides, is then sqrt(variance + epsilon), and it forgets gamma where it shifts the mean.
    factors = [
        1.0 if step.weights is None else step.weights,
        0.0 if step.bias is None else step.bias,
    ]
    rows = [np.broadcast_to(factor, after).reshape(-1, after[-1]) for factor in factors]
    if not all((row == row[0]).all() for row in rows):
        return None  # Keras normalises a channel by the same numbers at every place
    gamma, beta = (row[0].astype(np.float32) for row in rows)
    epsilon = 1e-3
    weights = (
        gamma * np.float32(np.sqrt(1 + epsilon)),
        beta,
        np.zeros_like(beta),
        np.ones_like(beta),
    )
    return [KerasLayer("BatchNormalization", {"epsilon": epsilon}, weights)]


def _activation(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    name = step.options["name"]
    if name == "leaky_relu":
        return [KerasLayer("LeakyReLU", {"alpha": float(step.options["alpha"])})]
    return [KerasLayer("Activation", {"activation": name})] if name in _ACTIVATIONS else None


def _pool(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    config = {
        "pool_size": _ints(step.options["size"]),
        "strides": _ints(step.options["strides"]),
        "padding": step.options["padding"].lower(),
    }
    kind = "MaxPooling2D" if step.kind == "max_pool" else "AveragePooling2D"
    return [KerasLayer(kind, config)]


def _mean(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    if len(before[0]) != 3 or {*step.options["axes"]} != {0, 1}:
        return None
    return [KerasLayer("GlobalAveragePooling2D", {"keepdims": bool(step.options["keepdims"])})]


def _add(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    return [KerasLayer("Add", {})]


def _concat(step: Step, before: Sequence[Shape], after: Shape) -> Chain:
    return [KerasLayer("Concatenate", {"axis": int(step.options["axis"]) + 1})]


def _resize(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    sizes = [*zip((step.options["rows"], step.options["columns"]), before[0], after)]
    if not all(np.allclose(given, _bilinear(n, m), atol=1e-6) for given, n, m in sizes):
        return None
    return _upsampling(before[0], after, "bilinear")


def _bilinear(n: int, m: int) -> np.ndarray:
    """Coefficients (m, n) that scale n pixels to m, with their centres aligned as in Keras."""
    centres = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(n)))


def _route(step: Step, before: Sequence[Shape], after: Shape) -> Chain | None:
    how = step.options["how"]
    if how == "reshape":
        flat = len(after) == 1
        return [
            KerasLayer("Flatten", {}) if flat else KerasLayer("Reshape", {"target_shape": after})
        ]
    if how == "transpose":
        return [KerasLayer("Permute", {"dims": [int(axis) + 1 for axis in step.options["perm"]]})]
    if how == "nearest" and not step.options["align_corners"]:
        return _upsampling(before[0], after, "nearest")
    if how == "pad" and step.options["mode"] == "CONSTANT" and step.options["value"] == 0:
        paddings = [[int(a), int(b)] for a, b in step.options["paddings"]]
        if len(paddings) == 3 and paddings[2] == [0, 0]:
            return [KerasLayer("ZeroPadding2D", {"padding": paddings[:2]})]
    return None


def _upsampling(before: Shape, after: Shape, interpolation: str) -> Chain | None:
    factors = [m // n for n, m in zip(before[:2], after[:2])]
    if any(n * factor != m for n, factor, m in zip(before, factors, after)):
        return None
    return [KerasLayer("UpSampling2D", {"size": factors, "interpolation": interpolation})]


def _kernel(step: Step) -> np.ndarray:
    assert step.weights is not None
    return step.weights


def _weights(step: Step) -> tuple[np.ndarray, ...]:
    return (_kernel(step),) if step.bias is None else (_kernel(step), step.bias)


def _bias(step: Step) -> dict[str, bool]:
    return {"use_bias": step.bias is not None}


def _padding(padding: Any) -> tuple[str, Chain]:
    """Keras' name of the padding, and the layers that come before it."""
    if isinstance(padding, str):
        return padding.lower(), []
    explicit = [[int(a), int(b)] for a, b in padding]
    return "valid", [KerasLayer("ZeroPadding2D", {"padding": explicit})]


def _ints(values: Sequence[Any]) -> list[int]:
    return [int(value) for value in values]


_ACTIVATIONS = frozenset({"relu", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign"})

_COUNTERPARTS: dict[str, Callable[[Step, Sequence[Shape], Shape], Chain | None]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise": _depthwise,
    "conv_transpose": _conv_transpose,
    "affine": _affine,
    "activation": _activation,
    "max_pool": _pool,
    "average_pool": _pool,
    "mean": _mean,
    "add": _add,
    "concat": _concat,
    "resize": _resize,
    "route": _route,
}
