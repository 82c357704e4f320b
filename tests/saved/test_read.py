"""Loading: values, names, errors; the models are written by processes that know nothing of us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import DamagedModelError, ModelNotFoundError, UntrustedModelError
from tfgenxai.graph import Graph
from tfgenxai.saved.card import write_card
from tfgenxai.saved.read import load


def run(script: str, folder: Path) -> None:
    """Runs a script in another process, which cannot import this package."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(script)],
        cwd=folder, check=True, env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip


WRITE = """
    import keras, numpy as np, tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(3)
    encoder = keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(3, 3, activation="relu", name="encoder_conv_0"),
        layers.BatchNormalization(name="norm"),
        layers.LeakyReLU(name="act"),
        layers.Flatten(name="flat"),
        layers.Dense(4, name="mu"),
    ], name="encoder")
    decoder = keras.Sequential([
        keras.Input((4,)),
        layers.Dense(32, name="grow"),
        layers.Reshape((4, 4, 2), name="shape"),
        layers.Conv2DTranspose(1, 3, 2, padding="same", name="decoder_conv_0"),
    ], name="decoder")
    for variable in (*encoder.variables, *decoder.variables):
        variable.assign(variable.value + 0.1)

    class Model(tf.Module):
        def __init__(self):
            self.encoder, self.decoder = encoder, decoder

        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1), name="image")])
        def encode(self, image):
            mean = self.encoder(image)
            return {"mean": mean, "z": mean + 0.0 * tf.random.normal(tf.shape(mean))}

        @tf.function(input_signature=[tf.TensorSpec((None, 4), name="z")])
        def decode(self, z):
            logits = self.decoder(z)
            return {"image": tf.sigmoid(logits), "logits": logits}

    model = Model()
    tf.saved_model.save(
        model, "module", signatures={"encode": model.encode, "decode": model.decode}
    )
    encoder.export("exported", verbose=False)
    x = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    z = encoder(x).numpy()
    np.savez("oracle.npz", x=x, z=z, conv=encoder.layers[0](x), logits=decoder(z))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    run(WRITE, folder)
    return folder


@pytest.fixture(scope="module")
def oracle(written):
    with np.load(written / "oracle.npz") as file:
        return dict(file)


@pytest.fixture
def module(written, tmp_path):
    """A copy to be spoilt."""
    copy = tmp_path / "module"
    subprocess.run(["cp", "-r", str(written / "module"), str(copy)], check=True)
    return copy


# -- what is read ------------------------------------------------------------------------------


@pytest.mark.parametrize("trusted", [False, True])
def test_values_equal_the_live_model(written, oracle, trusted):
    model = load(written / "module", trusted=trusted)
    encode, decode = model["encode"], model["decode"]
    conv, mean = encode.function("image", ["encoder_conv_0", "mean"])(oracle["x"])
    np.testing.assert_allclose(conv, oracle["conv"], atol=1e-6)
    np.testing.assert_allclose(mean, oracle["z"], atol=1e-5)
    np.testing.assert_allclose(encode.function("act", "mu")(encode.function("image", "act")(
        oracle["x"])), oracle["z"], atol=1e-5)  # fmt: skip
    logits, image = decode.function("z", ["logits", "image"])(oracle["z"])
    np.testing.assert_allclose(logits, oracle["logits"], atol=1e-5)
    np.testing.assert_allclose(image, 1 / (1 + np.exp(-oracle["logits"])), atol=1e-5)


@pytest.mark.parametrize("trusted", [False, True])
def test_layers_have_the_names_of_the_model(written, trusted):
    model = load(written / "module", trusted=trusted)
    rows = [
        (row.name, row.kind, row.output_shape, row.parameters) for row in model["encode"].layers
    ]
    assert rows == [
        ("encoder_conv_0", "Conv2D", (None, 6, 6, 3), 30),
        ("norm", "BatchNormalization", (None, 6, 6, 3), 12),
        ("act", "LeakyReLU", (None, 6, 6, 3), 0),
        ("flat", "Flatten", (None, 108), 0),
        ("mu", "Dense", (None, 4), 436),
    ]
    assert model["decode"].layers.names == ("grow", "shape", "decoder_conv_0", "Sigmoid")


def test_keras_export(written, oracle):
    graph = load(written / "exported")["serving_default"]
    assert graph.layers.names == ("encoder_conv_0", "norm", "act", "flat", "mu")
    (entry,) = graph.inputs
    np.testing.assert_allclose(graph.function(entry, "mu")(oracle["x"]), oracle["z"], atol=1e-5)


def test_mapping_of_signatures(written):
    model = load(written / "module")
    assert list(model) == ["decode", "encode"] and len(model) == 2
    assert "encode" in model and "sample" not in model and model.get("sample") is None
    assert model["encode"] is model["encode"]
    assert list(model["encode"].outputs) == ["mean", "z"]
    assert str(model.signatures["encode"]) == (
        "encode(image float32(None, 8, 8, 1)) -> mean float32(None, 4), z float32(None, 4)"
    )
    assert str(model.signatures["encode"]) in repr(model)
    assert model.card is None and model.path == written / "module"


def test_graph_from_saved_model(written, oracle):
    graph = Graph.from_saved_model(written / "module", "decode")
    got = graph.function("z", "logits")(oracle["z"])
    np.testing.assert_allclose(got, oracle["logits"], atol=1e-5)


def test_graph_outlives_the_model_on_disk(module, oracle):
    model = load(module)
    subprocess.run(["rm", "-r", str(module)], check=True)
    got = model["decode"].function("z", "logits")(oracle["z"])
    np.testing.assert_allclose(got, oracle["logits"], atol=1e-5)


def test_model_of_tensorflow_1(tmp_path):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 3), name="x")
        with v1.variable_scope("hidden"):
            kernel, bias = np.ones((3, 2), np.float32), np.float32([0.5, -9])
            w = v1.get_variable("kernel", initializer=kernel, use_resource=False)
            b = v1.get_variable("bias", initializer=bias, use_resource=True)
            y = tf.nn.relu(tf.matmul(x, w) + b)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "old"), {"x": x}, {"y": y})
    graph = load(tmp_path / "old")["serving_default"]
    np.testing.assert_array_equal(graph.function("x", "y")(np.ones((1, 3))), [[3.5, 0]])
    assert [(row.name, row.kind, row.parameters) for row in graph.layers] == [
        ("hidden", "Dense", 8)
    ]


# -- where models are found --------------------------------------------------------------------


def test_bare_name_is_looked_up_in_saved_models(module, tmp_path, monkeypatch):
    (tmp_path / "saved_models").mkdir()
    module.rename(tmp_path / "saved_models" / "vae")
    monkeypatch.chdir(tmp_path)
    assert list(load("vae")) == ["decode", "encode"]
    assert list(load("saved_models/vae")) == ["decode", "encode"]
    (tmp_path / "vae").mkdir()  # a folder of that name that holds no model is in nobody's way
    assert list(load("vae")) == ["decode", "encode"]
    with pytest.raises(ModelNotFoundError, match="'vae'"):
        load("vea")


def test_missing_model_names_those_beside_it(written):
    with pytest.raises(ModelNotFoundError, match="does not exist.*'module'"):
        load(written / "modul")
    with pytest.raises(ModelNotFoundError, match=r"no saved_model\.pb.*'exported'"):
        load(written)


def test_missing_signature_names_those_that_are_there(written):
    with pytest.raises(ModelNotFoundError, match="'reconstruct'; it has 'decode', 'encode'"):
        load(written / "module")["reconstruct"]


# -- damage ------------------------------------------------------------------------------------

DATA = "variables/variables.data-00000-of-00001"
INDEX = "variables/variables.index"


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("carded", [False, True])
@pytest.mark.parametrize("name", ["saved_model.pb", DATA, INDEX])
@pytest.mark.parametrize("harm", [truncate, Path.unlink, lambda file: file.write_bytes(b"")])
def test_damaged_file(module, name, harm, carded):
    if carded:
        write_card(module, {"name": "m"})
    assert load(module)
    harm(module / name)
    with pytest.raises(DamagedModelError) as error:
        load(module)
    assert str(module) in str(error.value)


@pytest.mark.parametrize("name", ["saved_model.pb", DATA, INDEX])
def test_one_changed_byte_is_seen_by_the_card(module, name):
    write_card(module, {"name": "m"})
    flip(module / name)
    with pytest.raises(DamagedModelError, match="differs from the checksum"):
        load(module)


def test_one_changed_weight_is_seen_without_a_card(module):
    flip(module / DATA)
    with pytest.raises(DamagedModelError, match="variables cannot be read"):
        load(module)


def test_damage_is_told_before_distrust(tmp_path):
    module = tf.Module()
    module.serve = tf.function(
        lambda x: tf.io.read_file(x), input_signature=[tf.TensorSpec((), tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.serve)
    write_card(tmp_path / "m", {})
    with pytest.raises(UntrustedModelError):
        load(tmp_path / "m")
    flip(tmp_path / "m" / "saved_model.pb")
    for trusted in (False, True):
        with pytest.raises(DamagedModelError):
            load(tmp_path / "m", trusted=trusted)


def test_checkpoint_of_another_model(module, tmp_path):
    other = tf.Module()
    other.serve = tf.function(lambda x: x, input_signature=[tf.TensorSpec((None, 2))])
    other.value = tf.Variable(1.0)
    tf.saved_model.save(other, str(tmp_path / "other"), signatures=other.serve)
    for name in (DATA, INDEX):
        (module / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(DamagedModelError, match="no value for the variable"):
        load(module)


def test_card_is_read(module):
    write_card(module, {"name": "m", "metrics": {"elbo": -97}})
    assert load(module).card["metrics"] == {"elbo": -97}
    card = module / "assets.extra" / "card.json"
    card.write_text(json.dumps({"name": "by hand"}))
    assert load(module).card == {"name": "by hand"}
    card.write_text("{")
    with pytest.raises(DamagedModelError, match=r"card\.json"):
        load(module)
