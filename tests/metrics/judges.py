"""A small classifier with a hidden layer, untrained."""

import keras

from tfgenxai.graph import Graph


def network(*widths):
    """Dense layers on images (N, 4, 4, 1), a softmax at the end; the Keras model and its graph."""
    keras.utils.set_random_seed(1)
    x = keras.Input((4, 4, 1), name="image")
    y = keras.layers.Flatten()(x)
    for place, width in enumerate(widths[:-1]):
        y = keras.layers.Dropout(0.5)(y)
        y = keras.layers.Dense(width, activation="relu", name=f"hidden_{place}")(y)
    logits = keras.layers.Dense(widths[-1], name="verdict")(y)
    model = keras.Model(x, {"probabilities": keras.layers.Softmax()(logits)})
    return model, Graph.from_keras(model)
