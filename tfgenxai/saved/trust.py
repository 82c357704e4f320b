"""Trust: which operations a SavedModel may hold if nobody vouches for its author.

A SavedModel is a program. TensorFlow's operations include some that read and write files,
open connections, call Python or print, and its loader runs a model's initialisers before
the caller has seen anything. Two things follow:

1. A model that is not trusted is never given to ``tf.saved_model.load``. Its graph is read
   as data, its variables from the checkpoint, and signatures are frozen from these
   (``tfgenxai.saved.read``): no initialiser, no restore function, no Python object runs.
2. Every operation of the graph *and* of its function library has to be on the list below,
   whether a signature reaches it or not: the next program to open the model may be
   TensorFlow's loader. The list names operations that compute with tensors, draw random
   numbers or keep variables. Whatever it does not name is refused, new and custom operations
   too. Operations of checkpoints (``SaveV2``, ``RestoreV2``, ...) are in every SavedModel; they
   are allowed where only the saver that the model declares reaches them, not where a
   signature, an initialiser or anything else does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfgenxai.errors import UntrustedModelError

_STRUCTURE = """
    Const Placeholder PlaceholderV2 PlaceholderWithDefault Identity IdentityN NoOp StopGradient
    PreventGradient Snapshot EnsureShape Assert CheckNumerics CheckNumericsV2 GuaranteeConst
    PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Case StatelessCase
    Enter Exit Merge Switch NextIteration LoopCond ControlTrigger FakeParam
"""

_ELEMENTWISE = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh
    BesselI0 BesselI0e BesselI1 BesselI1e Betainc Bitcast BitwiseAnd BitwiseOr BitwiseXor Cast Ceil
    ClipByValue Complex ComplexAbs Conj Cos Cosh Digamma Div DivNoNan Equal Erf Erfc Erfinv Exp
    Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Igamma Igammac Imag Inv Invert IsFinite IsInf
    IsNan LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum
    Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual OnesLike Polygamma Pow Real RealDiv Reciprocal
    RightShift Rint Round Rsqrt Select SelectV2 Sign Sin Sinh Sqrt Square SquaredDifference Sub Tan
    TruncateDiv TruncateMod Xdivy Xlog1py Xlogy ZerosLike Zeta
"""

_NETWORK = """
    AvgPool AvgPool3D BiasAdd BiasAddV1 Conv Conv2D Conv2DBackpropFilter Conv2DBackpropInput
    Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput Conv3DBackpropInputV2 CudnnRNN CudnnRNNV2
    CudnnRNNV3 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput Dilation2D Elu
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 L2Loss LRN LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2
    MaxPoolWithArgmax Relu Relu6 Selu Sigmoid Softmax SoftmaxCrossEntropyWithLogits Softplus
    Softsign SparseSoftmaxCrossEntropyWithLogits Tanh
"""

_GRADIENTS = """
    AvgPool3DGrad AvgPoolGrad BiasAddGrad BroadcastGradientArgs Conv2DBackpropFilterV2
    Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter EluGrad FusedBatchNormGrad
    FusedBatchNormGradV2 FusedBatchNormGradV3 InvGrad LRNGrad LeakyReluGrad MaxPool3DGrad
    MaxPoolGrad MaxPoolGradV2 MirrorPadGrad ReciprocalGrad Relu6Grad ReluGrad ResizeBicubicGrad
    ResizeBilinearGrad ResizeNearestNeighborGrad RsqrtGrad SeluGrad SigmoidGrad SoftplusGrad
    SoftsignGrad SqrtGrad StridedSliceGrad TanhGrad
"""

_LINEAR_ALGEBRA = """
    BatchMatMul BatchMatMulV2 BatchMatMulV3 Cholesky Cross Diag DiagPart Einsum FFT FFT2D FFT3D IFFT
    IFFT2D IFFT3D IRFFT IRFFT2D LogMatrixDeterminant MatMul MatrixBandPart MatrixDeterminant
    MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
    MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixTriangularSolve Qr
    RFFT RFFT2D SelfAdjointEigV2 SparseMatMul Svd
"""

_ARRAYS = """
    All Any ArgMax ArgMin BatchToSpace BatchToSpaceND Bincount BroadcastArgs BroadcastTo Bucketize
    Concat ConcatOffset ConcatV2 Cumprod Cumsum CumulativeLogsumexp DataFormatDimMap
    DataFormatVecPermute DenseBincount DepthToSpace DynamicPartition DynamicStitch Empty
    EuclideanNorm ExpandDims ExtractImagePatches ExtractVolumePatches Fill Gather GatherNd GatherV2
    HistogramFixedWidth InTopK InTopKV2 InvertPermutation LinSpace ListDiff LowerBound Max Mean Min
    MirrorPad NthElement OneHot Pack Pad PadV2 ParallelConcat ParallelDynamicStitch Prod Range Rank
    Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd SegmentMax
    SegmentMean SegmentMin SegmentProd SegmentSum Shape ShapeN Size Slice SpaceToBatch
    SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice Sum TensorScatterAdd
    TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate
    Tile TopK TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
    UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
    UpperBound Where
"""

_IMAGES = """
    AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
    ExtractGlimpse ExtractGlimpseV2 HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3
    NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 RGBToHSV ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
    ScaleAndTranslate
"""

_RANDOM = """
    Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomGamma RandomPoisson
    RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip
    RngSkip StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt
    StatefulUniformInt StatelessMultinomial StatelessParameterizedTruncatedNormal
    StatelessRandomBinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg
    StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal
    StatelessRandomNormalV2 StatelessRandomPoisson StatelessRandomUniform
    StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal
    StatelessTruncatedNormalV2 TruncatedNormal
"""

_LISTS = """
    EmptyTensorList TensorListConcat TensorListConcatLists TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
    TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize
    TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListSplit TensorListStack TensorArrayV3 TensorArrayCloseV3 TensorArrayConcatV3
    TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3
    TensorArraySplitV3 TensorArrayWriteV3
"""

# Variables live in this process. The optimisers are those of training functions kept in a model.
_VARIABLES = """
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp
    VarIsInitializedOp VariableShape ResourceGather ResourceGatherNd ResourceScatterAdd
    ResourceScatterUpdate ResourceScatterNdAdd ResourceScatterNdUpdate ResourceStridedSliceAssign
    DisableCopyOnRead Variable VariableV2 Assign AssignAdd AssignSub IsVariableInitialized
    ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradV2
    ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyCenteredRMSProp ResourceApplyFtrlV2
    ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum
    ResourceApplyRMSProp
"""

# Messages of assertions.
_STRINGS = "AsString StringFormat StringJoin"

PURE = frozenset(
    " ".join(
        (
            _STRUCTURE, _ELEMENTWISE, _NETWORK, _GRADIENTS, _LINEAR_ALGEBRA, _ARRAYS, _IMAGES,
            _RANDOM, _LISTS, _VARIABLES, _STRINGS,
        )
    ).split()
)  # fmt: skip
"""Operations that any function of an untrusted model may hold."""

_SAVES = "MergeV2Checkpoints Save SaveSlices SaveV2 ShardedFilename StaticRegexFullMatch"
SAVES = frozenset(_SAVES.split())
"""Operations that only the saving half of the saver may hold: they write checkpoints."""

RESTORES = frozenset(("Restore", "RestoreSlice", "RestoreV2"))
"""Operations that only the restoring half of the saver may hold: they read checkpoints."""


def check_meta_graph(meta: Any, what: str) -> None:
    """Refuse a MetaGraphDef with an operation outside of the allow-list.

    Args:
        meta: the MetaGraphDef.
        what: what the model is called in the message.

    Raises:
        UntrustedModelError: names the operations and the functions that hold them.
    """
    functions = {f.signature.name: f for f in meta.graph_def.library.function}
    nodes = {node.name: node for node in meta.graph_def.node}
    roots = functions.keys() & set(meta.object_graph_def.concrete_functions)
    allowed: dict[str, frozenset[str]] = {}
    for end, ops in (
        (meta.saver_def.save_tensor_name, SAVES),
        (meta.saver_def.restore_op_name, RESTORES),
    ):
        own_nodes, own_functions = _belonging_to(end, nodes, functions, roots)
        allowed |= dict.fromkeys((f"node {name}" for name in own_nodes), PURE | ops)
        allowed |= dict.fromkeys(own_functions, PURE | ops)

    found: dict[str, str] = {}
    for node in nodes.values():
        if node.op not in allowed.get(f"node {node.name}", PURE) | functions.keys():
            found.setdefault(node.op, "the main graph")
    for name, function in functions.items():
        for node in function.node_def:
            if node.op not in allowed.get(name, PURE) | functions.keys():
                found.setdefault(node.op, name)
    _refuse(found, what)


def _belonging_to(
    end: str, nodes: Mapping[str, Any], functions: Mapping[str, Any], roots: Iterable[str]
) -> tuple[set[str], set[str]]:
    """The nodes and functions that are there for ``end`` alone.

    ``roots`` are the functions that the model's objects hold for others to call.
    """
    own = _reached(nodes, [_node(end)])
    own -= _reached(nodes, nodes.keys() - own)
    elsewhere = _called((node for name, node in nodes.items() if name not in own), functions)
    for root in roots:
        elsewhere |= {root, *_called(functions[root].node_def, functions)}
    return own, _called((nodes[name] for name in own), functions) - elsewhere


def check_graph_def(graph_def: Any, what: str) -> None:
    """Refuse a frozen GraphDef with an operation outside of the allow-list.

    Raises:
        UntrustedModelError: names the operations and the functions that hold them.
    """
    functions = {f.signature.name: f for f in graph_def.library.function}
    bodies = {"the graph": graph_def.node} | {n: f.node_def for n, f in functions.items()}
    found: dict[str, str] = {}
    for where, nodes in bodies.items():
        for node in nodes:
            if node.op not in PURE and node.op not in functions:
                found.setdefault(node.op, where)
    _refuse(found, what)


def _refuse(found: Mapping[str, str], what: str) -> None:
    if found:
        listed = ", ".join(f"{op} (in {where})" for op, where in sorted(found.items())[:8])
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        raise UntrustedModelError(
            f"{what} holds operations that are not known to be harmless: {listed}{more}. They may "
            "reach files, the network or Python; pass trusted=True only if you trust its author."
        )


def _node(ref: str) -> str:
    return ref.lstrip("^").partition(":")[0]


def _reached(nodes: Mapping[str, Any], ends: Iterable[str]) -> set[str]:
    """The nodes of the main graph that the ends depend on, themselves included."""
    found: set[str] = set()
    stack = list(ends)
    while stack:
        name = stack.pop()
        if name in nodes and name not in found:
            found.add(name)
            stack += [_node(ref) for ref in nodes[name].input]
    return found


def _called(nodes: Iterable[Any], functions: Mapping[str, Any]) -> set[str]:
    """Names of the functions that nodes call, directly or through other functions."""
    found: set[str] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        names = {node.op}
        for value in node.attr.values():
            names.add(value.func.name)
            names.update(function.name for function in value.list.func)
        for name in names & functions.keys() - found:
            found.add(name)
            stack += functions[name].node_def
    return found
