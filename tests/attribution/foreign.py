"""Saves models of its own making; run in a process that never imports the package.

python foreign.py FOLDER
"""

import sys
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

SIDE = 16


def network():
    """An image to four scores, with layers of names that this package does not use."""
    keras.utils.set_random_seed(11)
    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    y = keras.layers.Conv2D(6, 3, padding="same", name="stem")(picture)
    y = keras.layers.BatchNormalization(
        name="steady",
        moving_mean_initializer=keras.initializers.RandomNormal(0.0, 0.3, seed=1),
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 2.0, seed=2),
    )(y)
    y = keras.layers.ReLU(name="bend")(y)
    y = keras.layers.MaxPooling2D(name="halve")(y)
    y = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="body")(y)
    y = keras.layers.Flatten(name="string")(y)
    # Score-CAM keeps what is positive, and should find something.
    scores = keras.layers.Dense(4, name="verdict", bias_initializer="ones")(y)
    return keras.Model(picture, scores)


def main(folder):
    """Writes the network as net.keras, exported, saved as a module of other code, and frozen."""
    model = network()
    model.save(folder / "net.keras")
    model.export(str(folder / "exported"), verbose=False)

    spec = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="picture")

    class Wrapped(tf.Module):
        """Another way to write a SavedModel: variables of its own, one signature."""

        def __init__(self):
            super().__init__("wrapped")
            self.inside = model

        @tf.function(input_signature=[spec])
        def judge(self, picture):
            return {"verdict": self.inside(picture, training=False)}

    wrapped = Wrapped()
    tf.saved_model.save(wrapped, str(folder / "module"), signatures={"judge": wrapped.judge})

    frozen = convert_variables_to_constants_v2(wrapped.judge.get_concrete_function())
    (folder / "frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    (folder / "ends.txt").write_text(f"{frozen.inputs[0].name} {frozen.outputs[0].name}")
    assert not any(name.startswith("tfgenxai") for name in sys.modules)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
