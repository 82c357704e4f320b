"""Exported models: what other programs see of them, and that writing fails without a trace."""

import errno
import hashlib
import os
import shutil
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tfgenxai.errors import DamagedModelError, ExportError
from tfgenxai.models import MODELS
from tfgenxai.models.classifier import Classifier
from tfgenxai.saved import write
from tfgenxai.saved.card import CARD, read_card, verify
from tfgenxai.training import Settings
from tfgenxai.training.describe import describe
from tfgenxai.training.fit import Trained

SIGNATURES = {
    "cvae": "encode decode reconstruct sample serving_default",
    "cvae-conditional": "encode decode reconstruct sample serving_default",
    "conv-vae": "encode decode reconstruct sample serving_default",
    "autoencoder": "encode decode reconstruct serving_default",
    "dcgan": "generate discriminate sample serving_default",
    "cgan": "generate discriminate sample serving_default",
    "sagan": "generate discriminate sample serving_default",
    "infogan": "generate discriminate sample infer prior serving_default",
    "info-cgan": "generate discriminate sample infer prior serving_default",
    "bigan": "generate discriminate sample encode reconstruct prior serving_default",
    "classifier": "classify serving_default",
}
CONDITIONAL = ("cvae-conditional", "cgan", "info-cgan")
IN_A_PROCESS = """
    import sys
    import numpy as np
    import tensorflow as tf
    model = tf.saved_model.load(sys.argv[1])
    given = dict(np.load(sys.argv[2]))
    found = {}
    for name, signature in model.signatures.items():
        specs = signature.structured_input_signature[1]
        result = signature(**{key: tf.constant(given[key]) for key in specs})
        found |= {f"{name}/{key}": value.numpy() for key, value in result.items()}
    assert "tfgenxai" not in sys.modules
    np.savez(sys.argv[3], **found)
"""


def tiny(name="cvae", seed=0):
    """A compiled, untrained model whose batch statistics and biases are not the initial ones."""
    entry = MODELS[name]
    keras.utils.set_random_seed(seed)
    model = entry.load_class()(**entry.config, seed=seed)
    model.compile(optimizer=model.default_optimizer(), jit_compile=False)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) < 2 and "variance" not in weight.name:
            weight.assign(rng.normal(0, 0.1, weight.shape))
    return model


def arguments(model, batch=3):
    rng = np.random.default_rng(2)
    return {
        "image": rng.random((batch, *model.image_shape), dtype=np.float32),
        "z": rng.standard_normal((batch, getattr(model, "latent_dim", 1))).astype(np.float32),
        "eps": rng.standard_normal((batch, getattr(model, "latent_dim", 1))).astype(np.float32),
        "label": np.arange(batch) % 10,
        "count": np.int32(batch),
    }


def expected(name, model, given):
    """What the live model says, signature by signature; random outputs left out."""
    image, z = given["image"], given["z"]
    label = [given["label"]] if name in CONDITIONAL else []
    if name == "classifier":
        logits = model(image)
        result = {"logits": logits, "probabilities": tf.nn.softmax(logits)}
        return {"classify": result, "serving_default": result}
    if "gan" in name:
        result = {"image": model.generate(z, *label)}
        judged = {"logits": model.discriminate(image, *label)}
        signatures = {"generate": result, "discriminate": judged, "serving_default": result}
        if "info" in name:
            logits, mean = model.infer(image, *label)
            chances = tf.nn.softmax(logits)
            signatures["infer"] = {"logits": logits, "probabilities": chances, "continuous": mean}
        if name == "bigan":
            code = model.encode(image)
            signatures["encode"] = {"mean": code, "z": code}
            signatures["reconstruct"] = {"image": model.generate(code)}
        if "prior" in SIGNATURES[name]:
            signatures["prior"] = {"z": model.prior(given["eps"])}
        return signatures
    if name == "autoencoder":
        code = model.encoder(image)
        encoded = {"mean": code, "z": code}
        restored = {"image": model(image)}
        decoded = {"image": model.decoder(z)}
    else:
        mean, logvar = model.encode(image, *label)
        encoded = {"mean": mean, "logvar": logvar}
        restored = {"image": model.decode(mean, True, *label)}
        decoded = {
            "image": model.decode(z, True, *label),
            "logits": model.decode(z, False, *label),
        }
    return {
        "encode": encoded,
        "decode": decoded,
        "reconstruct": restored,
        "serving_default": restored,
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """name -> (live model, folder); each made once."""
    kept = {}

    def make(name):
        if name not in kept:
            model = tiny(name)
            path = tmp_path_factory.mktemp("models") / name
            kept[name] = model, write.export(model, path, {"name": name})
        return kept[name]

    return make


@pytest.mark.parametrize("name", SIGNATURES)
def test_our_loader_gives_the_live_models_outputs(name, exported):
    model, path = exported(name)
    loaded = tfgenxai.load(path)
    assert set(loaded) == set(SIGNATURES[name].split())
    given = arguments(model)
    for signature, outputs in expected(name, model, given).items():
        graph = loaded[signature]
        feeds = list(graph.inputs)
        function = graph.function(feeds, list(outputs))
        results = function(*(tf.constant(given[key]) for key in feeds))
        for key, result in zip(outputs, tf.nest.flatten(results), strict=True):
            np.testing.assert_allclose(
                result, outputs[key], rtol=1e-4, atol=1e-5, err_msg=f"{signature}/{key}"
            )


@pytest.mark.parametrize("name", ["cvae", "cvae-conditional", "dcgan", "info-cgan"])
def test_plain_tensorflow_opens_it_without_this_package(name, exported, tmp_path, run_python):
    model, path = exported(name)
    given = arguments(model, batch=5)
    np.savez(tmp_path / "given.npz", **given)
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(IN_A_PROCESS))
    done = run_python(script, path, tmp_path / "given.npz", tmp_path / "found.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    for signature, outputs in expected(name, model, given).items():
        for key, value in outputs.items():
            np.testing.assert_allclose(
                found[f"{signature}/{key}"], value, rtol=1e-4, atol=1e-5, err_msg=signature
            )
    assert found["sample/image"].shape == (5, 28, 28, 1)
    assert found["sample/image"].min() >= 0 and found["sample/image"].max() <= 1
    if "encode/z" in found:
        deviation = (found["encode/z"] - found["encode/mean"]) / np.exp(found["encode/logvar"] / 2)
        assert 0.3 < np.std(deviation) < 3
    decoded = expected(name, model, {**given, "z": found["sample/z"]})
    images = decoded.get("decode", decoded.get("generate"))["image"]
    np.testing.assert_allclose(found["sample/image"], images, rtol=1e-4, atol=1e-5)


def folder_size(path):
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def test_half_precision_is_the_model_with_rounded_kernels_in_half_the_space(exported, tmp_path):
    live, whole = exported("info-cgan")
    path = write.export(live, tmp_path / "halved", {"name": "halved"}, half=True)
    assert folder_size(path) < 0.6 * folder_size(whole)
    assert (read_card(path)["weights"], read_card(whole)["weights"]) == ("float16", "float32")
    rounded = type(live).from_config(live.get_config())
    for weight, source in zip(rounded.weights, live.weights, strict=True):
        value = source.numpy()
        weight.assign(value.astype(np.float16) if value.size >= 1024 else value)
    given = arguments(live)
    loaded = tfgenxai.load(path)
    plain = tf.saved_model.load(str(path)).signatures
    for signature, outputs in expected("info-cgan", rounded, given).items():
        graph = loaded[signature]
        assert graph.layers.names == tfgenxai.load(whole)[signature].layers.names
        fed = {key: tf.constant(given[key]) for key in graph.inputs}
        for key, value in outputs.items():
            for found in (
                graph.function(list(fed), key)(*fed.values()),
                plain[signature](**fed)[key],
            ):
                np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-6)
    weights = keras.models.load_model(path.with_name("halved.keras")).weights
    for kept, source in zip(weights, live.weights, strict=True):
        np.testing.assert_array_equal(kept.numpy(), source.numpy())


def test_weights_that_no_signature_reads_stay_behind(exported):
    model, path = exported("cgan")
    read = [*model.averaged.weights, *model.discriminator.weights]
    data = (path / "variables/variables.data-00000-of-00001").stat().st_size
    assert data < 1.05 * sum(weight.numpy().nbytes for weight in read)


def test_signatures_draw_anew_every_time(exported):
    _, path = exported("cvae")
    sample = tf.saved_model.load(str(path)).signatures["sample"]
    one, other = (sample(count=tf.constant(4))["z"] for _ in range(2))
    assert one.shape == (4, 10)
    assert not np.array_equal(one, other)


def test_signatures_draw_anew_in_every_process_however_the_export_was_seeded(tmp_path):
    keras.utils.set_random_seed(11)
    path = write.export(tiny("cvae"), tmp_path / "seeded", {})
    draws = [
        tf.saved_model.load(str(path)).signatures["sample"](count=tf.constant(2))["z"].numpy()
        for _ in range(2)  # a loaded function has generators of its own, as in a new process
    ]
    assert not np.array_equal(*draws)


def test_the_archive_beside_it_goes_on_with_training(exported):
    model, path = exported("dcgan")
    loaded = keras.models.load_model(path.with_name("dcgan.keras"))
    z = arguments(model)["z"]
    np.testing.assert_array_equal(loaded(z), model(z))
    assert loaded.discriminator_optimizer is not None


def test_the_card(tmp_path):
    model = tiny("conv-vae")
    settings = Settings("conv-vae", 2, 8, seed=3, data={"name": "faces", "seed": 5})
    history = [{"epoch": 1, "seconds": 1.0, "loss": 3.0}, {"epoch": 2, "seconds": 2.5, "loss": 2.0}]

    class Images:
        name, source, source_detail = "faces", "drawn", "drawn here"

        def __len__(self):
            return 7

    card = describe(Trained(model, settings, history), "mine", Images(), "tfgenxai train x")
    path = write.export(model, tmp_path / "mine", card)
    read = read_card(path)
    assert read["name"] == "mine"
    assert read["architecture"]["class"] == "ConvVAE"
    assert read["architecture"]["parameters"] == 1_732_048 + 916_483
    assert read["architecture"]["config"] == {
        "latent_dim": 200,
        "loss_factor": 10_000.0,
        "seed": 0,
    }
    rows = {(row["network"], row["name"]): row for row in read["layers"]}
    assert len(rows) == len(read["layers"]) == 13 + 11
    assert rows["Encoder", "mu"]["parameters"] == 819_400
    assert rows["Decoder", "decoder_conv_3"] == {
        "network": "Decoder",
        "name": "decoder_conv_3",
        "kind": "Conv2DTranspose",
        "output_shape": [None, 128, 128, 3],
        "parameters": 867,
    }
    assert read["data"] == {
        "name": "faces",
        "source": "drawn",
        "images": 7,
        "binarized": False,
        "seed": 5,
    }
    training = read["training"]
    assert training["command"] == "tfgenxai train x"
    assert (training["epochs"], training["batch_size"], training["seed"]) == (2, 8, 3)
    assert training["optimizer"] == "Adam"
    assert training["initial_learning_rate"] == pytest.approx(5e-4)
    assert training["seconds"] == 3.5
    assert training["history"] == history
    assert read["metrics"] == {}
    assert read["versions"]["tensorflow"] == tf.__version__
    assert {"keras", "numpy", "tfgenxai", "python"} <= read["versions"].keys()
    assert set(read["signatures"]) == set(SIGNATURES["conv-vae"].split())

    files = {f.relative_to(path).as_posix() for f in path.rglob("*") if f.is_file()}
    assert read["sha256"].keys() == files - {CARD.as_posix()}
    for name, checksum in read["sha256"].items():
        assert hashlib.sha256((path / name).read_bytes()).hexdigest() == checksum
    verify(path)
    with (path / "variables/variables.index").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DamagedModelError, match=r"variables\.index"):
        tfgenxai.load(path)


def contents(folder):
    """Every file under a folder, hidden ones too, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def small():
    model = Classifier(num_classes=2)
    model.compile(optimizer="sgd")
    return model


@pytest.mark.parametrize("broken", ["write_card", "_write_saved_model"])
def test_a_failure_leaves_the_old_model_and_nothing_else(broken, small, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(write, broken, full)
        with pytest.raises(ExportError, match="the disk is full.*Nothing was left behind"):
            write.export(small, tmp_path / "m", {})
        assert list(tmp_path.iterdir()) == []
    write.export(small, tmp_path / "m", {"name": "old"})
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(write, broken, full)
        with pytest.raises(ExportError, match="the disk is full.*untouched"):
            write.export(small, tmp_path / "m", {"name": "new"})
    assert contents(tmp_path) == before
    write.export(small, tmp_path / "m", {"name": "new"})
    assert read_card(tmp_path / "m")["name"] == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m.keras"]
    verify(tmp_path / "m")


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_renaming_is_undone_as_a_whole(tmp_path, monkeypatch, fails_at, error):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        (folder / "m").mkdir(parents=True)
        (folder / "m" / "graph").write_text(folder.name)
        (folder / "m.keras").write_text(folder.name)
    before = contents(tmp_path)
    replace, calls = os.replace, []

    def failing(*paths):
        calls.append(paths)
        if len(calls) == fails_at:
            raise error
        replace(*paths)

    monkeypatch.setattr(write.os, "replace", failing)
    with pytest.raises(type(error)):
        write._swap({new / "m": old / "m", new / "m.keras": old / "m.keras"})
    assert contents(tmp_path) == before


LIMITED = """
    import resource, sys
    from tfgenxai.errors import ExportError
    from tfgenxai.models.classifier import Classifier
    from tfgenxai.saved.write import export
    model = Classifier(seed=1)
    model.compile(optimizer="sgd", jit_compile=False)
    for limit in map(int, sys.argv[2:]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            export(model, sys.argv[1], {"name": "new"})
        except ExportError as error:
            print(error)
"""


def test_a_file_that_cannot_grow_fails_cleanly(small, tmp_path, run_python):
    """A real write error at several depths: in the graph, the variables, the Keras archive."""
    write.export(small, tmp_path / "m", {"name": "old"})
    before = contents(tmp_path)
    sizes = {name: len(data) for name, data in before.items()}
    script = tmp_path.parent / f"{tmp_path.name}.py"
    script.write_text(textwrap.dedent(LIMITED))
    limits = [20_000, 200_000, sizes["m/variables/variables.data-00000-of-00001"] + 20_000]
    done = run_python(script, tmp_path / "m", *limits)
    assert done.returncode == 0, done.stderr
    messages = done.stdout.strip().splitlines()
    assert len(messages) >= 2, done.stdout
    assert all("was not written" in line and "untouched" in line for line in messages)
    if len(messages) == 2:  # the archive is compressed below the last limit
        shutil.rmtree(tmp_path / "m")
    else:
        assert contents(tmp_path) == before


def test_a_folder_that_is_no_folder(small, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="was not written"):
        write.export(small, tmp_path / "file" / "m", {})
    assert (tmp_path / "file").read_text() == "x"
