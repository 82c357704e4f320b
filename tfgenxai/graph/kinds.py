"""What kind of layer a group of operations is."""

from __future__ import annotations

from collections.abc import Collection, Sequence

# In order of precedence: the first that a layer holds says its kind.
KERNELS = {
    "Conv2DBackpropInput": "Conv2DTranspose",
    "Conv3DBackpropInputV2": "Conv3DTranspose",
    "DepthwiseConv2dNative": "DepthwiseConv2D",
    "Conv2D": "Conv2D",
    "Conv3D": "Conv3D",
    "MatMul": "Dense",
    "BatchMatMulV2": "Dense",
    "BatchMatMulV3": "Dense",
    "Einsum": "EinsumDense",
}
NORMALISATIONS = {
    "FusedBatchNorm": "BatchNormalization",
    "FusedBatchNormV2": "BatchNormalization",
    "FusedBatchNormV3": "BatchNormalization",
    "LRN": "LocalResponseNormalization",
}
POOLS = {
    "MaxPool": "MaxPooling2D",
    "MaxPoolV2": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "AvgPool": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
}
ACTIVATIONS = {
    "LeakyRelu": "LeakyReLU",
    "Relu": "ReLU",
    "Relu6": "ReLU",
    "Elu": "ELU",
    "Selu": "SELU",
    "Softmax": "Softmax",
    "LogSoftmax": "LogSoftmax",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Erf": "GELU",
}
_OTHERS = {
    "ConcatV2": "Concatenate",
    "ResizeNearestNeighbor": "UpSampling2D",
    "ResizeBilinear": "UpSampling2D",
    "Pad": "ZeroPadding2D",
    "PadV2": "ZeroPadding2D",
    "Transpose": "Permute",
    "AddV2": "Add",
    "AddN": "Add",
    "Sub": "Subtract",
    "Mul": "Multiply",
    "Maximum": "Maximum",
    "Minimum": "Minimum",
    "Identity": "Identity",
    "Cast": "Cast",
}
_LOOPS = frozenset({"While", "StatelessWhile"})


def of(
    ops: Sequence[str],
    parameters: Collection[str],
    rank_in: int | None,
    rank_out: int | None,
) -> str:
    """The kind of the layer that consists of ``ops``, in Keras' words where it has one.

    Args:
        ops: the kinds of the operations that the layer's data pass, in order.
        parameters: last parts of the names of the layer's variables, such as ``kernel``.
        rank_in, rank_out: number of dimensions of what goes in and comes out, if known.
    """
    held = set(ops)
    if {"moving_mean", "moving_variance"} <= set(parameters):
        return "BatchNormalization"
    if not _LOOPS.isdisjoint(held):
        return "RNN"
    if "DepthwiseConv2dNative" in held and "Conv2D" in held:
        return "SeparableConv2D"
    for op, kind in KERNELS.items():
        if op in held and (parameters or op.startswith("Conv") or op.startswith("Depthwise")):
            return kind.replace("2D", "1D") if rank_out == 3 else kind
    if "GatherV2" in held and parameters:
        return "Embedding"
    if "Rsqrt" in held and not {"gamma", "beta"}.isdisjoint(parameters):
        return "LayerNormalization"
    if any(is_random(op) for op in ops):
        return "Sampling"
    if "alpha" in parameters and "Relu" in held:
        return "PReLU"
    for kinds in (NORMALISATIONS, POOLS, ACTIVATIONS):
        for op, kind in kinds.items():
            if op in held:
                return kind
    if rank_in in (4, 5) and ops[-1] in ("Mean", "Max"):
        word = "Average" if ops[-1] == "Mean" else "Max"
        return f"Global{word}Pooling{rank_in - 2}D"
    if rank_in == rank_out == 4 and not {"Tile", "BroadcastTo"}.isdisjoint(held):
        return "UpSampling2D"
    if ops[-1] == "Reshape":
        return "Flatten" if rank_out == 2 else "Reshape"
    return _OTHERS.get(ops[-1], ops[-1])


def is_random(op: str) -> bool:
    """Whether an operation draws random numbers, other than the integers that seed others."""
    drawn = "Random" in op or "Stateful" in op or op.endswith("TruncatedNormal")
    return drawn and not any(word in op for word in ("Int", "Get", "Shuffle", "PartitionedCall"))


def stands_alone(op: str) -> bool:
    """Whether the operation is listed as a layer where the model calls it outside of one."""
    return any(op in kinds for kinds in (KERNELS, NORMALISATIONS, POOLS, ACTIVATIONS))
