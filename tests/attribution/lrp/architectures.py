"""Random Keras models for tests: encoders, classifiers and decoders of a few layers."""

import os

import hypothesis.strategies as st
import keras
import numpy as np
from hypothesis import HealthCheck, settings
from keras import layers

SIDE, CODE, OUTPUTS = 8, 5, 3


def examples(default):
    """Hypothesis settings; TFGENXAI_EXAMPLES asks for more examples."""
    return settings(
        max_examples=int(os.environ.get("TFGENXAI_EXAMPLES", default)),
        deadline=None,
        derandomize="TFGENXAI_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def in_type(dtype, make):
    """What `make` builds of Keras layers of this type."""
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy(before[0])
        keras.config.set_floatx(before[1])


def randomise(model, seed):
    """Fills a model with weights, biases and statistics as of a trained one."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            name, shape = weight.path.rpartition("/")[2], weight.shape
            if name in ("kernel", "depthwise_kernel"):
                fan = np.prod(shape[:-1]) if len(shape) == 2 else np.prod(shape[:2]) * shape[-2]
                values = generator.normal(0, 1.4 / np.sqrt(fan), shape)
            elif name in ("gamma", "moving_variance"):
                values = generator.uniform(0.5, 1.5, shape) * generator.choice([1, 1, 0.4])
            else:
                values = generator.normal(0, 0.2, shape)
            weight.assign(values)


def inputs_of(model, count, seed):
    """Images in [0, 1] or latent codes, (count, ...)."""
    generator = np.random.default_rng(seed)
    shape = (count, *model.input_shape[1:])
    draw = generator.random if len(shape) == 4 else generator.standard_normal
    return draw(shape).astype(np.float32)


@st.composite
def models(draw, piecewise_linear=False, dtype="float32"):
    """A model with random weights.

    Args:
        piecewise_linear: only ReLU and LeakyReLU activations.
        dtype: of its weights, and of what it computes.
    """
    model = in_type(dtype, lambda: _model(draw, _Builder(draw, piecewise_linear)))
    randomise(model, draw(st.integers(0, 999)))
    return model


def _model(draw, build):
    if draw(st.booleans()):
        start = keras.Input((SIDE, SIDE, draw(st.integers(1, 2))))
        x = start
        if draw(st.booleans()):
            x = layers.Rescaling(2.0, -1.0)(x)
        x = build.blocks(x, draw(st.integers(1, 3)))
        x = layers.GlobalAveragePooling2D()(x) if draw(st.booleans()) else layers.Flatten()(x)
        for _ in range(draw(st.integers(0, 1))):
            x = build.after(layers.Dense(6, use_bias=draw(st.booleans()))(x))
        x = layers.Dense(OUTPUTS)(x)
    else:
        start = keras.Input((CODE,))
        x = build.after(layers.Dense(2 * 2 * 3, use_bias=draw(st.booleans()))(start))
        x = layers.Reshape((2, 2, 3))(x)
        x = build.up(x)
        x = build.blocks(x, draw(st.integers(0, 2)))
        x = layers.Conv2DTranspose(1, 3, 1, "same")(x)
    return keras.Model(start, x)


class _Builder:
    def __init__(self, draw, piecewise_linear):
        self.draw = draw
        self.activations = ["relu", "leaky_relu", "none"]
        if not piecewise_linear:
            self.activations += ["elu", "selu", "tanh", "sigmoid", "softplus"]

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def after(self, x):
        """A normalisation, an activation, or both, in either order."""
        before, after = self.pick((False, False), (True, False), (False, True))
        x = layers.BatchNormalization()(x) if before else x
        name = self.pick(*self.activations)
        if name == "leaky_relu":
            x = layers.LeakyReLU(0.3)(x)
        elif name != "none":
            x = layers.Activation(name)(x)
        return layers.BatchNormalization()(x) if after else x

    def kernel(self, x, stride=1):
        """A convolution of some kind."""
        bias = self.draw(st.booleans())
        size, kind = self.pick(1, 2, 3), self.pick("conv", "conv", "depthwise", "dilated")
        if kind == "depthwise":
            return layers.DepthwiseConv2D(
                size, stride, "same", depth_multiplier=self.pick(1, 2), use_bias=bias
            )(x)
        if kind == "dilated" and stride == 1 and x.shape[1] > 4:
            return layers.Conv2D(3, size, padding="same", dilation_rate=2, use_bias=bias)(x)
        return layers.Conv2D(self.pick(2, 3), size, stride, "same", use_bias=bias)(x)

    def up(self, x):
        """A layer that enlarges an image."""
        size, padding = self.pick(2, 3), self.pick("same", "valid")
        return self.after(
            layers.Conv2DTranspose(2, size, 2, padding, use_bias=self.draw(st.booleans()))(x)
        )

    def blocks(self, x, count):
        for _ in range(count):
            kinds = ["conv", "add", "concat", "pad", "nearest", "bilinear"]
            if min(x.shape[1:3]) >= 4:
                kinds += ["strided", "max_pool", "average_pool"] * 2
            if x.shape[1] > 5:
                kinds = [kind for kind in kinds if kind not in ("nearest", "bilinear", "pad")]
            x = getattr(self, f"_{self.pick(*kinds)}")(x)
        return x

    def _conv(self, x):
        return self.after(self.kernel(x))

    def _strided(self, x):
        return self.after(self.kernel(x, 2))

    def _max_pool(self, x):
        return self._conv(layers.MaxPooling2D(2, padding=self.pick("same", "valid"))(x))

    def _average_pool(self, x):
        return layers.AveragePooling2D(2, padding=self.pick("same", "valid"))(self._conv(x))

    def _add(self, x):
        left = self.after(layers.Conv2D(2, 3, padding="same")(x))
        right = self.after(layers.Conv2D(2, 1)(x)) if x.shape[-1] != 2 else x
        return layers.Activation("relu")(layers.Add()([left, right]))

    def _concat(self, x):
        return layers.Concatenate()([self._conv(x), x])

    def _pad(self, x):
        return self.after(layers.Conv2D(2, 3)(layers.ZeroPadding2D(1)(x)))

    def _nearest(self, x):
        return layers.UpSampling2D(2)(self._conv(x))

    def _bilinear(self, x):
        return layers.UpSampling2D(2, interpolation="bilinear")(self._conv(x))
