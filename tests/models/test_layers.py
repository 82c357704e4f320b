"""The blocks of the GANs against slow loops and NumPy's linear algebra."""

import keras
import numpy as np
import pytest
from scipy import special

from tfgenxai.models.layers import label_plane, res_up, self_attention, spectral

HEIGHT, WIDTH, CHANNELS = 4, 6, 16


def attending(gain=None, **options):
    """x -> [y, attention map] of the layers, with their weights by name."""
    keras.utils.set_random_seed(7)
    x = keras.Input((HEIGHT, WIDTH, CHANNELS))
    model = keras.Model(x, self_attention(x, "attention", **options))
    kernels = {}
    for part in ("query", "key", "value", "output"):
        layer = model.get_layer(f"attention_{part}")
        kernels[part] = layer.weights[0].numpy()[0, 0].astype(np.float64)
    if gain is not None:
        model.get_layer("attention_gain").set_weights([np.float32(gain)])
    both = keras.Model(x, [model.output, model.get_layer("attention_map").output])
    return both, kernels


def pooled(maps):
    """2x2 maxima of maps (H, W, C)."""
    return np.stack(
        [
            [maps[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(0, 1)) for j in range(WIDTH // 2)]
            for i in range(HEIGHT // 2)
        ]
    )


def slow(x, kernels, gain, pool_keys):
    """Eq. 1 to 3 of Zhang et al. 2019 for one image, one query pixel at a time."""
    queries, keys, values = (x @ kernels[part] for part in ("query", "key", "value"))
    if pool_keys:
        keys, values = pooled(keys), pooled(values)
    places = [(i, j) for i in range(keys.shape[0]) for j in range(keys.shape[1])]
    out, rows = np.empty_like(x), []
    for row in range(HEIGHT):
        for column in range(WIDTH):
            weights = special.softmax([queries[row, column] @ keys[p] for p in places])
            mixed = sum(w * values[p] for w, p in zip(weights, places, strict=True))
            out[row, column] = x[row, column] + gain * (mixed @ kernels["output"])
            rows.append(weights)
    return out, np.array(rows)


@pytest.mark.parametrize("pool_keys", [False, True])
def test_attention_is_the_slow_loop(pool_keys, rng):
    model, kernels = attending(gain=0.7, pool_keys=pool_keys)
    x = rng.normal(0, 2, (3, HEIGHT, WIDTH, CHANNELS))
    y, maps = (part.numpy() for part in model(x.astype(np.float32)))
    assert maps.shape == (3, HEIGHT * WIDTH, HEIGHT * WIDTH // (4 if pool_keys else 1))
    for image, out, attention in zip(x, y, maps, strict=True):
        expected, rows = slow(image, kernels, 0.7, pool_keys)
        np.testing.assert_allclose(attention, rows, atol=1e-5)
        np.testing.assert_allclose(out, expected, atol=1e-4)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    assert maps.std() > 0.01  # rows of a constant would sum to 1 as well


@pytest.mark.parametrize("normalised", [False, True])
def test_attention_starts_as_the_identity(normalised, rng):
    model, _ = attending(normalised=normalised)
    x = rng.normal(size=(2, HEIGHT, WIDTH, CHANNELS)).astype(np.float32)
    np.testing.assert_array_equal(model(x)[0], x)


def test_the_gain_can_be_learnt(rng):
    model, _ = attending()
    x = rng.normal(size=(2, HEIGHT, WIDTH, CHANNELS)).astype(np.float32)
    gain = model.get_layer("attention_gain").trainable_weights[0]
    model.compile(keras.optimizers.SGD(0.1), loss=[keras.losses.MeanSquaredError(), None])
    model.train_on_batch(x, [2 * x, None])
    assert float(gain) != 0


def test_spectral_normalisation_reaches_norm_one(rng):
    x = keras.Input((5, 5, 3))
    conv = spectral(keras.layers.Conv2D(8, 3, name="conv"))
    model = keras.Model(x, conv(x))
    images = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)

    def norm():
        return np.linalg.svd(conv.layer.kernel.numpy().reshape(-1, 8), compute_uv=False)[0]

    conv.layer.kernel.assign(3 * conv.layer.kernel)
    before = norm()
    plain = model(images).numpy()
    assert norm() == before > 1.5  # only training normalises
    for _ in range(40):
        normalised = model(images, training=True).numpy()
    assert norm() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(normalised, plain / before, atol=3e-3)  # the bias is still 0
    assert conv.name == conv.layer.name == "conv"


def test_an_upsampling_block_without_its_branch_is_its_shortcut(rng):
    x = keras.Input((3, 4, 5))
    model = keras.Model(x, res_up(x, 7, "up"))
    last = model.get_layer("up_conv_1")
    last.set_weights([0 * weight for weight in last.get_weights()])
    images = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    kernel, bias = model.get_layer("up_shortcut").get_weights()
    expected = np.kron(images @ kernel[0, 0] + bias, np.ones((1, 2, 2, 1)))
    np.testing.assert_allclose(model(images), expected, atol=1e-5)


def test_a_label_is_a_plane_of_its_own():
    label = keras.Input((), dtype="int64")
    model = keras.Model(label, label_plane(label, 3, 2, 5, "label"))
    planes = model(np.array([2, 0, 2])).numpy()
    assert planes.shape == (3, 2, 5, 1)
    np.testing.assert_array_equal(planes[0], planes[2])
    assert not np.allclose(planes[0], planes[1])
