from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers


def randomise(model: keras.Model, seed: int) -> keras.Model:
    """Gives every weight a value that shows if it is used wrongly (variances stay positive)."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "float" in variable.dtype:
            values = rng.normal(0, 0.3, variable.shape)
            if "variance" in variable.name:
                values = 0.5 + np.abs(values)
            variable.assign(values.astype("float32"))
    return model


class CVAE(keras.Model):
    """As in the TensorFlow tutorial: two Sequentials, a sampled code, a sigmoid at the end."""

    def __init__(self, latent_dim: int = 3) -> None:
        super().__init__()
        self.encoder = keras.Sequential(
            [
                keras.Input((16, 16, 1)),
                layers.Conv2D(4, 3, 2, activation="relu", name="encoder_conv_0"),
                layers.Conv2D(5, 3, 2, name="encoder_conv_1"),
                layers.LeakyReLU(name="encoder_act"),
                layers.Flatten(),
                layers.Dense(2 * latent_dim, name="encoder_dense"),
            ],
            name="encoder",
        )
        self.decoder = keras.Sequential(
            [
                keras.Input((latent_dim,)),
                layers.Dense(4 * 4 * 2, activation="relu", name="decoder_dense"),
                layers.Reshape((4, 4, 2)),
                layers.Conv2DTranspose(
                    4, 3, 2, padding="same", activation="relu", name="decoder_conv_0"
                ),
                layers.Conv2DTranspose(1, 3, 2, padding="same", name="decoder_conv_1"),
            ],
            name="decoder",
        )

    def call(self, x):
        import tensorflow as tf

        mean, logvar = tf.split(self.encoder(x), 2, axis=1)
        z = mean + tf.exp(logvar * 0.5) * tf.random.normal(tf.shape(mean))
        return tf.sigmoid(self.decoder(z))


@pytest.fixture(scope="session")
def cvae() -> CVAE:
    model = CVAE()
    model(np.zeros((1, 16, 16, 1), "float32"))
    return randomise(model, 0)


@pytest.fixture(scope="session")
def branched() -> keras.Model:
    """A functional model with a residual branch and most kinds of layers."""
    image = layers.Input((16, 16, 3), name="picture")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="act")(x)
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="skip")(image)])
    x = layers.Activation("elu", name="elu")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Dropout(0.3, name="drop")(x)
    x = layers.UpSampling2D(name="up")(x)
    x = layers.ZeroPadding2D(name="pad")(x)
    x = layers.SeparableConv2D(5, 3, name="separable")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.LayerNormalization(name="layer_norm")(x)
    x = layers.Concatenate(name="both")([x, x])
    mean = layers.GlobalAveragePooling2D(name="average")(x)
    most = layers.GlobalMaxPooling2D(name="most")(x)
    return randomise(
        keras.Model(image, [layers.Dense(3, activation="softmax", name="probs")(mean), most]), 1
    )


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
