"""The arithmetic of each kind of step: forwards, its linear map, and the transposed map.

Options and layouts are those that `Step` describes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.network import Step

#: Functions of one number each, but for the two softmaxes; "leaky_relu" takes `alpha`.
ACTIVATIONS: dict[str, Callable[..., tf.Tensor]] = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "leaky_relu": tf.nn.leaky_relu,
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "softplus": tf.nn.softplus,
    "softsign": tf.nn.softsign,
    "softmax": tf.nn.softmax,
    "log_softmax": tf.nn.log_softmax,
    "minimum": lambda x, alpha: tf.minimum(x, tf.cast(alpha, x.dtype)),
    "maximum": lambda x, alpha: tf.maximum(x, tf.cast(alpha, x.dtype)),
}
#: Activations that turn logits into an output.
BOUNDED = frozenset({"tanh", "sigmoid", "softmax", "log_softmax"})
#: Activations whose value is never negative.
NONNEGATIVE = frozenset({"relu", "relu6", "sigmoid", "softplus", "softmax"})


def forward(step: Step, inputs: Sequence[tf.Tensor], shape: Sequence[int]) -> tf.Tensor:
    """The value of a step (n, *shape), from those of its inputs."""
    x = inputs[0]
    if step.weights is not None:
        z = linear(step, x, step.weights, shape)
        return z if step.bias is None else add_bias(step, z, step.bias)
    if step.kind == "add":
        return tf.add_n(inputs)
    if step.kind == "concat":
        return tf.concat(inputs, step.options["axis"] + 1)
    if step.kind == "product":
        return product(step, *inputs)
    return _OTHERS[step.kind](x, step.options, shape)


def linear(step: Step, x: tf.Tensor, weights: Any, shape: Sequence[int]) -> tf.Tensor:
    """W x of a step with weights, without its bias.

    Args:
        x: (n, ...).
        weights: of the shape of the step's own.
        shape: of one sample of the result.
    """
    weights = tf.constant(weights, x.dtype)
    options = step.options
    if step.kind == "affine":
        return x * weights
    if step.kind == "dense":
        return tf.matmul(x, weights) if len(shape) == 1 else tf.tensordot(x, weights, 1)
    if step.kind == "conv_transpose":
        return tf.nn.conv2d_transpose(
            x, weights, (tf.shape(x)[0], *shape), options["strides"], _conv_padding(options)
        )
    if step.kind == "depthwise":
        strides = (1, *options["strides"], 1)
        padding, dilations = _conv_padding(options), options["dilations"]
        return tf.nn.depthwise_conv2d(x, weights, strides, padding, dilations=dilations)
    if _is_dilated(step):
        # TensorFlow dilates by moving pixels into the batch, which takes no explicit padding.
        padding = options["padding"]
        if not isinstance(padding, str):
            x, padding = tf.pad(x, _conv_padding(options)), "VALID"
        dilations = options["dilations"]
        return tf.nn.convolution(x, weights, padding=padding, dilations=dilations)
    return tf.nn.conv2d(x, weights, options["strides"], _conv_padding(options))


def add_bias(step: Step, z: tf.Tensor, bias: Any) -> tf.Tensor:
    """The bias added to the value of a step with weights."""
    bias = tf.constant(bias, z.dtype)
    # TensorFlow fuses a bias_add with the kernel before it, and the activation after it.
    return z + bias if step.kind == "affine" else tf.nn.bias_add(z, bias)


def transposed(step: Step, s: tf.Tensor, weights: Any, shape: Sequence[int]) -> tf.Tensor:
    """W^T s of a step with weights.

    Args:
        s: (n, ...), like the step's output.
        weights: of the shape of the step's own.
        shape: of one sample of the result, which is like the step's input.
    """
    if step.kind == "affine":
        return s * tf.constant(weights, s.dtype)
    if step.kind == "dense":
        weights = tf.constant(weights, s.dtype)
        if len(shape) == 1:
            return tf.matmul(s, weights, transpose_b=True)
        return tf.tensordot(s, weights, [[-1], [1]])
    if step.kind == "conv_transpose":
        weights = tf.constant(weights, s.dtype)
        return tf.nn.conv2d(s, weights, step.options["strides"], _conv_padding(step.options))
    if step.kind == "conv" and not _is_dilated(step):
        weights = tf.constant(weights, s.dtype)
        sizes = (tf.shape(s)[0], *shape)
        strides, padding = step.options["strides"], _conv_padding(step.options)
        return tf.nn.conv2d_transpose(s, weights, sizes, strides, padding)
    return pulled_back(lambda x: linear(step, x, weights, s.shape[1:]), s, shape)


def pulled_back(
    function: Callable[[tf.Tensor], tf.Tensor], s: tf.Tensor, shape: Sequence[int]
) -> tf.Tensor:
    """J^T s, (n, *shape), of a function that is linear, or constant in places."""
    at = tf.zeros((tf.shape(s)[0], *shape), s.dtype)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at, output_gradients=s)


def product(step: Step, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The value of a "product" (n, ...) of two values (n, ...)."""
    first, second, result = terms(step)
    return tf.einsum(f"N{first},N{second}->N{result}", left, right)


def shared_out(step: Step, s: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """A^T s of a "product" A v: (n, T, ...) like v, of s (n, T, ...) like the output.

    Args:
        weights: A (n, ...), the input that is held.
    """
    operands, result = terms(step)[:2], terms(step)[2]
    held = operands[step.options["held"]]
    (other,) = operands[: step.options["held"]] + operands[step.options["held"] + 1 :]
    return tf.einsum(f"NT{result},N{held}->NT{other}", s, weights)


def terms(step: Step) -> list[str]:
    """The letters of both inputs and of the result of a "product"."""
    return step.options["equation"].replace("->", ",").split(",")


def winners(step: Step, x: tf.Tensor, y: tf.Tensor, s: tf.Tensor) -> tf.Tensor:
    """Each element of s at the place of the greatest x in its window, for a "max_pool".

    Args:
        x: (n, h, w, c), the input.
        y: the output for it.
        s: (n, ...), like the output.
    """
    size, strides, padding = _pool(step.options)
    return tf.raw_ops.MaxPoolGrad(
        orig_input=x, orig_output=y, grad=s, ksize=size, strides=strides, padding=padding
    )


def repeated(sample: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """The same sample `count` times, (count, ...)."""
    return tf.broadcast_to(sample, tf.concat([[count], tf.shape(sample)], 0))


def _is_dilated(step: Step) -> bool:
    return step.options["dilations"] != (1, 1)


def _conv_padding(options: Any) -> Any:
    padding = options["padding"]
    return padding if isinstance(padding, str) else [[0, 0], *map(list, padding), [0, 0]]


def _pool(options: Any) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    return (1, *options["size"], 1), (1, *options["strides"], 1), options["padding"]


def _activation(x: tf.Tensor, options: Any, shape: Sequence[int]) -> tf.Tensor:
    function = ACTIVATIONS[options["name"]]
    return function(x, options["alpha"]) if "alpha" in options else function(x)


def _resize(x: tf.Tensor, options: Any, shape: Sequence[int]) -> tf.Tensor:
    rows, columns = (tf.constant(options[name], x.dtype) for name in ("rows", "columns"))
    return tf.einsum("nhwc,yh,xw->nyxc", x, rows, columns)


def _reduce(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    def reduce(x: tf.Tensor, options: Any, shape: Sequence[int]) -> tf.Tensor:
        return function(x, [axis + 1 for axis in options["axes"]], options["keepdims"])

    return reduce


def _pad(x: tf.Tensor, options: Any, shape: Sequence[int]) -> tf.Tensor:
    paddings = [(0, 0), *options["paddings"]]
    value = tf.cast(options["value"], x.dtype)
    return tf.pad(x, paddings, options["mode"], constant_values=value)


def _nearest(x: tf.Tensor, options: Any, shape: Sequence[int]) -> tf.Tensor:
    return tf.raw_ops.ResizeNearestNeighbor(
        images=x,
        size=np.asarray(shape[:2], np.int32),
        align_corners=options["align_corners"],
        half_pixel_centers=options["half_pixel_centers"],
    )


_ROUTES: dict[str, Callable[[tf.Tensor, Any, Sequence[int]], tf.Tensor]] = {
    "reshape": lambda x, options, shape: tf.reshape(x, (-1, *shape)),
    "transpose": lambda x, options, shape: tf.transpose(
        x, (0, *(axis + 1 for axis in options["perm"]))
    ),
    "pad": _pad,
    "slice": lambda x, options, shape: x[(slice(None), *options["slices"])],
    "gather": lambda x, options, shape: tf.gather(x, options["indices"], axis=options["axis"] + 1),
    "tile": lambda x, options, shape: tf.tile(x, (1, *options["multiples"])),
    "broadcast": lambda x, options, shape: tf.broadcast_to(x, (tf.shape(x)[0], *shape)),
    "nearest": _nearest,
    "depth_to_space": lambda x, options, shape: tf.nn.depth_to_space(x, options["block"]),
    "space_to_depth": lambda x, options, shape: tf.nn.space_to_depth(x, options["block"]),
}

_OTHERS: dict[str, Callable[[tf.Tensor, Any, Sequence[int]], tf.Tensor]] = {
    "activation": _activation,
    "max_pool": lambda x, options, shape: tf.nn.max_pool2d(x, *_pool(options)),
    "average_pool": lambda x, options, shape: tf.nn.avg_pool2d(x, *_pool(options)),
    "mean": _reduce(tf.reduce_mean),
    "sum": _reduce(tf.reduce_sum),
    "resize": _resize,
    "route": lambda x, options, shape: _ROUTES[options["how"]](x, options, shape),
}
