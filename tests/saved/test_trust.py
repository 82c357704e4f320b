"""What an untrusted model may hold, and that nothing of it runs."""

from __future__ import annotations

import gc
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from tfgenxai.errors import UntrustedModelError
from tfgenxai.saved import trust
from tfgenxai.saved.read import load

SPEC = [tf.TensorSpec((None, 2), name="x")]


def save(folder, body, **attributes):
    """A SavedModel whose serving signature is ``body``; gives its path as text."""
    module = tf.Module()
    module.weight = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="weight")
    for name, value in attributes.items():
        setattr(module, name, value)
    module.serve = tf.function(lambda x: body(module, x), input_signature=SPEC)
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return str(folder)


def plain(module, x):
    return tf.nn.relu(x @ module.weight)


# -- the list ----------------------------------------------------------------------------------


def test_every_listed_operation_exists():
    listed = trust.PURE | trust.SAVES | trust.RESTORES
    assert [op for op in listed if op_def_registry.get(op) is None] == []


def test_nothing_listed_reaches_outside():
    """By name: what reads, writes, prints, sends, queues, calls Python or loads code."""
    reaching = re.compile(
        r"File|Py|Print|Debug|Summary|Dataset|Iterator|Reader|Send|Recv|Rpc|Session|Queue|Tensors?Map"
        r"|Collective|Xla|TPU|Dump|Immutable|LoadAnd|Checkpoint|^Save|^Restore|Table|Stage|Barrier"
        r"|Host|Timestamp|Remote|Symbolic|Decode|Encode|Abort|Mutex|Sharded|Matching|Import|Export"
    )
    assert sorted(op for op in trust.PURE if reaching.search(op)) == []


def test_stateful_operations_on_the_list_are_known():
    """TensorFlow's own mark of side effects, against the kinds of state that are meant."""
    stateful = {op for op in trust.PURE if op_def_registry.get(op).is_stateful}
    meant = re.compile(
        r"Random|Stateful|Rng|TruncatedNormal|Multinomial|NonDeterministicInts|Resource|Var|Assign"
        r"|Cudnn|TensorArray|^(If|While|Case|Assert|GuaranteeConst|CheckNumerics|Placeholder|DisableCopyOnRead)"
        r"|CheckNumericsV2|Empty|ParallelConcat|StatefulPartitionedCall"
    )
    assert sorted(op for op in stateful if not meant.search(op)) == []


# -- what is refused ---------------------------------------------------------------------------


def reads_file(module, x):
    return x + tf.strings.to_number(tf.io.read_file("/tmp/number"))


def writes_file(module, x):
    tf.io.write_file("/tmp/tfgenxai_should_not_be_here", tf.strings.as_string(x[0, 0]))
    return x


def prints(module, x):
    tf.print(x, output_stream="file:///tmp/tfgenxai_should_not_be_here")
    return x


def calls_python(module, x):
    return tf.ensure_shape(tf.py_function(lambda v: v, [x], tf.float32), (None, 2))


def calls_numpy(module, x):
    return tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), (None, 2))


def restores(module, x):
    value = tf.raw_ops.RestoreV2(
        prefix="/tmp/other", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return x + value[0]


def lists_files(module, x):
    return x + tf.cast(tf.size(tf.io.matching_files("/*")), tf.float32)


def in_a_branch(module, x):
    return tf.cond(x[0, 0] > 1e9, lambda: reads_file(module, x), lambda: x)


def in_an_inner_function(module, x):
    return tf.function(lambda v: prints(module, v))(x)


@pytest.mark.parametrize(
    ("body", "op"),
    [
        (reads_file, "ReadFile"),
        (writes_file, "WriteFile"),
        (prints, "PrintV2"),
        (calls_python, "EagerPyFunc"),
        (calls_numpy, "PyFunc"),
        (restores, "RestoreV2"),
        (lists_files, "MatchingFiles"),
        (in_a_branch, "ReadFile"),
        (in_an_inner_function, "PrintV2"),
    ],
)
def test_refused(tmp_path, body, op):
    path = save(tmp_path / "m", body)
    with pytest.raises(UntrustedModelError, match=op) as error:
        load(path)
    assert "trusted=True only if you trust" in str(error.value)


def test_refused_even_if_no_signature_reaches_it(tmp_path):
    other = tf.function(lambda x: tf.io.read_file("/tmp/number"), input_signature=SPEC)
    path = save(tmp_path / "m", plain, other=other)
    with pytest.raises(UntrustedModelError, match="ReadFile"):
        load(path)


def edited(path, edit):
    """Rewrites the graph of a SavedModel."""
    file = f"{path}/saved_model.pb"
    model = saved_model_pb2.SavedModel()
    with open(file, "rb") as stream:
        model.ParseFromString(stream.read())
    edit(model.meta_graphs[0])
    with open(file, "wb") as stream:
        stream.write(model.SerializeToString())


def test_restore_that_a_signature_reaches_is_refused(tmp_path):
    """The saver's own functions, called by a signature, are no longer the saver's alone."""
    path = save(tmp_path / "m", plain)
    assert load(path)

    def edit(meta):
        calls = {n.name: n for n in meta.graph_def.node if n.op == "StatefulPartitionedCall"}
        output = meta.signature_def["serving_default"].outputs["output_0"].name.split(":")[0]
        calls[output].input.append(f"^{meta.saver_def.restore_op_name}")

    edited(path, edit)
    with pytest.raises(UntrustedModelError, match="RestoreV2"):
        load(path)


def test_saving_operation_in_the_restore_function_is_refused(tmp_path):
    path = save(tmp_path / "m", plain)

    def edit(meta):
        for function in meta.graph_def.library.function:
            if "traced_restore" in function.signature.name:
                function.node_def.add(name="extra", op="SaveV2")

    edited(path, edit)
    with pytest.raises(UntrustedModelError, match="SaveV2"):
        load(path)


def test_operation_that_tensorflow_does_not_know_is_refused(tmp_path):
    path = save(tmp_path / "m", plain)
    edited(path, lambda meta: meta.graph_def.node.add(name="evil", op="CustomOp"))
    with pytest.raises(UntrustedModelError, match="CustomOp"):
        load(path)


# -- nothing runs ------------------------------------------------------------------------------


class Trap(tf.saved_model.experimental.TrackableResource):
    """A resource whose initialiser writes a file when TensorFlow loads the model."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=(), shared_name="trap")

    def _initialize(self):
        tf.io.write_file(self.file, "written")


def test_initialiser_is_not_run(tmp_path):
    file = tmp_path / "written"
    path = save(tmp_path / "m", plain, trap=Trap(str(file)))
    tf.saved_model.load(path)
    assert file.exists()  # the trap works
    file.unlink()
    with pytest.raises(UntrustedModelError, match="WriteFile"):
        load(path)
    assert not file.exists()


def test_initialiser_of_listed_operations_is_not_run_either(tmp_path, monkeypatch):
    """Nothing of the model goes through TensorFlow's loader at all."""
    path = save(tmp_path / "m", plain)

    def fail(*args, **kwargs):
        raise AssertionError("the model was loaded by TensorFlow")

    monkeypatch.setattr(tf.saved_model, "load", fail)
    monkeypatch.setattr(tf.compat.v1.saved_model, "load", fail)
    got = load(path)["serving_default"].function("x", "output_0")(np.eye(2))
    np.testing.assert_array_equal(got, [[1, 2], [3, 4]])


def table(folder):
    folder.mkdir()
    (folder / "words.txt").write_text("one\ntwo\nthree\n")
    keys = tf.lookup.TextFileInitializer(
        str(folder / "words.txt"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, -1
    )
    return tf.lookup.StaticHashTable(keys, 0)


def test_lookup_table_needs_trust_and_works_with_it(tmp_path):
    def body(module, x):
        return x * tf.cast(module.table.lookup(tf.constant("three")), tf.float32)

    path = save(tmp_path / "m", body, table=table(tmp_path / "words"))
    shutil.rmtree(tmp_path / "words")  # the model has its own copy
    with pytest.raises(UntrustedModelError, match="HashTableV2"):
        load(path)
    for _ in range(2):  # also after the first loaded model is gone
        graph = load(path, trusted=True)["serving_default"]
        gc.collect()
        got = graph.function("x", "output_0")(np.ones((1, 2)))
        np.testing.assert_array_equal(got, [[2, 2]])


@pytest.mark.parametrize("body", [prints, in_an_inner_function])
def test_trusted_model_is_loaded(tmp_path, body):
    path = save(tmp_path / "m", body)
    got = load(path, trusted=True)["serving_default"].function("x", "output_0")(np.ones((1, 2)))
    np.testing.assert_array_equal(got, [[1, 1]])


def test_model_with_its_optimiser_is_not_refused(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    optimiser = model.optimizer

    @tf.function(input_signature=SPEC)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x) ** 2)
        variables = model.trainable_variables
        optimiser.apply(tape.gradient(loss, variables), variables)
        return loss

    module = tf.Module()
    module.variables_ = [v.value for v in (*model.variables, *optimiser.variables)]
    module.serve = tf.function(model, input_signature=SPEC, autograph=False)
    module.step = step
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.serve)
    graph = load(tmp_path / "m")["serving_default"]
    assert graph.parameter_count == 3
