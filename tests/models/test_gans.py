"""What the GANs are made of, and what one training step does to each side."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfgenxai.errors import UsageError
from tfgenxai.models import MODELS
from tfgenxai.models.dcgan import DCGAN
from tfgenxai.models.gan import GAN
from tfgenxai.models.infogan import InfoGAN
from tfgenxai.models.prior import one_hot, uniform


def make(name, **options):
    entry = MODELS[name]
    keras.utils.set_random_seed(4)
    return entry.load_class()(**entry.config | options)


# -- parameters, counted by hand ---------------------------------------------------------------


def dense(n, m, bias=True):
    return n * m + bias * m


def conv(size, n, m, bias=True):
    return dense(size * size * n, m, bias)


def norm(n):
    return 4 * n


def up(n, m):
    return norm(n) + conv(3, n, m) + norm(m) + conv(3, m, m) + conv(1, n, m)


def attention(n, pooled=False, spectral=False):
    values = n // (2 if pooled else 8)
    kernels = 2 * n * (n // 8) + 2 * n * values
    return kernels + 1 + spectral * (2 * (n // 8) + values + n)


def residual_generator(codes, classes=0, attended=64, pooled=False):
    label = classes * 50 + dense(50, 49) if classes else 0
    start = 128 + bool(classes)
    body = dense(codes, 6272) + label + up(start, 64) + up(64, 32) + norm(32) + conv(3, 32, 1)
    return body + attention(attended, pooled)


def spectral_discriminator(classes=0, pooled=False):
    label = classes * 50 + dense(50, 784) if classes else 0
    sizes = [1 + bool(classes), 64, 128, 256]
    convs = sum(conv(4, n, m) + m for n, m in zip(sizes, sizes[1:]))
    return label + convs + attention(64, pooled, spectral=True) + dense(4096, 1) + 1


def test_parameters():
    q = dense(1024, 128, False) + norm(128) + dense(128, 12)
    informed = (
        conv(4, 1, 64) + conv(4, 64, 128, False) + norm(128)
        + dense(6272, 1024, False) + norm(1024) + dense(1024, 1) + q
    )  # fmt: skip
    drawing = (
        dense(74, 1024, False) + norm(1024) + dense(1024, 6272, False) + norm(6272)
        + conv(4, 128, 64, False) + norm(64) + conv(4, 64, 1)
    )  # fmt: skip
    styled = dense(4096, 128, False) + norm(128) + dense(128, 12)
    perceptron = dense(784, 1024) + dense(1024, 1024, False) + norm(1024)
    expected = {
        "gan": (residual_generator(150), spectral_discriminator()),
        "cgan": (residual_generator(150, 10), spectral_discriminator(10)),
        "sagan": (
            residual_generator(150, attended=32, pooled=True),
            spectral_discriminator(pooled=True),
        ),
        "infogan": (drawing, informed),
        "info-cgan": (residual_generator(74, 10), spectral_discriminator(10) + styled),
        "bigan": (
            dense(50, 1024, False) + norm(1024) + dense(1024, 1024, False) + norm(1024)
            + dense(1024, 784),
            dense(834, 1024) + dense(1024, 1024, False) + norm(1024) + dense(1024, 1),
        ),
    }  # fmt: skip
    for name, (generator, discriminator) in expected.items():
        model = make(name)
        assert model.generator.count_params() == generator, name
        assert model.discriminator.count_params() == discriminator, name
        encoder = perceptron + dense(1024, 50) if name == "bigan" else 0
        total = generator + discriminator + encoder
        assert model.architecture()["parameters"] == total, name


def test_attention_can_be_left_out():
    model = GAN(attention=0)
    assert model.generator.count_params() == residual_generator(150) - attention(64)
    names = [layer.name for net in (model.generator, model.discriminator) for layer in net.layers]
    assert not any("attention" in name for name in names)


def test_what_cannot_be_made():
    for options, text in (
        ({"loss": "hinges"}, "no loss 'hinges'.*cross_entropy, hinge"),
        ({"attention": 7}, "attention is 0, 14 or 28, not 7"),
    ):
        with pytest.raises(UsageError, match=text):
            GAN(**options)
    with pytest.raises(UsageError, match="two categories"):
        InfoGAN(categories=1)


# -- one step ----------------------------------------------------------------------------------


@pytest.fixture
def batch(grey):
    return tf.constant(grey), tf.constant([3, 1, 4, 1, 5])


def normalise(network):
    """Puts every spectrally normalised kernel where training leaves it: at norm 1, u known."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.SpectralNormalization):
            kernel = layer.kernel.numpy()
            _, norms, right = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))
            layer.kernel.assign(kernel / norms[0])
            layer.vector_u.assign(right[:1])


@pytest.mark.parametrize("side", ["generator", "discriminator"])
@pytest.mark.parametrize("name", ["gan", "infogan", "bigan"])
def test_a_step_of_one_side(name, side, batch):
    """With the other side's rate 0: its weights stay, and this side's loss falls."""
    model = make(name)
    rates = {"generator": 0.0, "discriminator": 0.0} | {side: 1e-3}
    model.compile(
        optimizer=keras.optimizers.SGD(rates["generator"]),
        discriminator_optimizer=keras.optimizers.SGD(rates["discriminator"]),
        jit_compile=False,
    )
    normalise(model.discriminator)
    before = model.losses(*batch, training=True)
    learning = model.drawing_weights() if side == "generator" else None
    learning = learning or model.discriminator.trainable_weights
    everything = model.generator.trainable_weights + model.discriminator.trainable_weights
    other = {id(w) for w in everything} - {id(w) for w in learning}
    kept = {id(w): w.numpy() for w in everything}
    model.train_step(batch)
    model.optimizer.iterations.assign(0)  # the same noise again
    after = model.losses(*batch, training=True)
    assert after[f"{side}_loss"].numpy() < before[f"{side}_loss"].numpy()
    for weight in everything:
        change = np.abs(weight.numpy() - kept[id(weight)]).max()
        if id(weight) in other:  # but for rounding, where a kernel was normalised once more
            assert change <= (1e-6 if name == "gan" else 0), weight.path
    moved = [w for w in learning if id(w) in kept and not np.array_equal(w, kept[id(w)])]
    assert moved
    if name == "bigan" and side == "generator":
        assert {id(w) for w in model.encoder.trainable_weights} <= {id(w) for w in learning}


def test_the_gradient_is_that_of_the_sides_own_loss(batch):
    model = make("bigan")
    model.compile(optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
    model.losses(*batch, training=True)  # both runs start from the same batch statistics
    sides = (
        ("generator_loss", model.generator),
        ("generator_loss", model.encoder),
        ("discriminator_loss", model.discriminator),
    )
    expected = []
    for loss, network in sides:
        with tf.GradientTape() as tape:
            value = model.losses(*batch, training=True)[loss]
        gradients = tape.gradient(value, network.trainable_weights)
        pairs = zip(network.trainable_weights, gradients, strict=True)
        expected.append([w.numpy() - 0.5 * g.numpy() for w, g in pairs])
    model.train_step(batch)
    for (_, network), arrays in zip(sides, expected, strict=True):
        for weight, array in zip(network.trainable_weights, arrays, strict=True):
            np.testing.assert_allclose(weight, array, atol=1e-5, err_msg=weight.path)


def test_losses_of_the_gan_are_its_networks_verdicts(batch):
    model = make("cgan", loss="hinge")
    model.compile(optimizer="sgd", jit_compile=False)
    images, labels = batch
    found = model.losses(images, labels)
    z = model.noise((5, 150))
    fake = model.generator([z, labels])
    of_real = model.discriminator([2 * images - 1, labels]).numpy()
    of_fake = model.discriminator([fake, labels]).numpy()
    loss = np.maximum(0, 1 - of_real).mean() + np.maximum(0, 1 + of_fake).mean()
    assert found["discriminator_loss"].numpy() == pytest.approx(loss, rel=1e-5)
    assert found["generator_loss"].numpy() == pytest.approx(-of_fake.mean(), abs=1e-6)
    assert found["real_accuracy"].numpy() == pytest.approx(np.mean(of_real > 0))
    assert found["fake_accuracy"].numpy() == pytest.approx(np.mean(of_fake < 0))


def test_a_label_changes_the_image_and_the_verdict(grey):
    model = make("cgan")
    z = np.tile(np.random.default_rng(0).standard_normal((1, 150)), (3, 1)).astype(np.float32)
    one, same, other = model.generate(z, np.array([1, 1, 2])).numpy()
    np.testing.assert_allclose(one, same, atol=1e-6)
    assert not np.allclose(one, other, atol=1e-4)
    verdicts = model.discriminate(np.repeat(grey[:1], 2, axis=0), np.array([1, 2])).numpy()
    assert verdicts[0] != verdicts[1]
    shown = model.previews(grey, tf.constant(np.repeat(z, 4, axis=0)))["samples"].numpy()
    np.testing.assert_allclose(shown[1], one, atol=1e-6)
    np.testing.assert_allclose(shown[11], one, atol=1e-6)  # labels in turn


def test_codes_are_drawn_anew_at_every_step(batch):
    model = make("infogan")
    model.compile(optimizer="sgd", jit_compile=False)
    drawn = tf.function(lambda: model.draw_codes(batch[0]))
    one = drawn().numpy()
    np.testing.assert_array_equal(one, drawn())
    model.optimizer.iterations.assign_add(1)
    assert not np.allclose(one, drawn())


# -- the average -------------------------------------------------------------------------------


def test_the_average_is_its_recursion_and_draws(batch, rng):
    model = make("gan", average=0.25, attention=0)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    expected = [array.astype(np.float64) for array in model.generator.get_weights()]
    for decay in (2 / 11, 0.25, 0.25):
        model.train_step(batch)
        pairs = zip(expected, model.generator.get_weights(), strict=True)
        expected = [decay * mean + (1 - decay) * weight for mean, weight in pairs]
    for weight, array in zip(model.averaged.weights, expected, strict=True):
        np.testing.assert_allclose(weight, array, rtol=1e-4, atol=1e-5, err_msg=weight.path)
    z = rng.standard_normal((2, 150)).astype(np.float32)
    drawn = model.generate(z)
    np.testing.assert_array_equal(drawn, 0.5 * (model.averaged(z) + 1))
    assert not np.allclose(drawn, 0.5 * (model.generator(z) + 1), atol=1e-4)
    assert not model.averaged.trainable_weights


def test_without_an_average_the_generator_draws(rng):
    model = make("gan", average=0.0, attention=0)
    assert model.averaged is None
    z = rng.standard_normal((2, 150)).astype(np.float32)
    np.testing.assert_array_equal(model.generate(z), 0.5 * (model.generator(z) + 1))
    assert model.architecture()["parameters"] == model.count_params()


# -- codes, optimizers -------------------------------------------------------------------------


def test_priors_by_their_distribution_functions(rng):
    eps = rng.standard_normal((100_000, 5)).astype(np.float32)
    codes = uniform(tf.constant(eps)).numpy()
    np.testing.assert_allclose(codes, 2 * stats.norm.cdf(eps) - 1, atol=1e-5)
    assert stats.kstest(codes.ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-4
    hot = one_hot(tf.constant(eps)).numpy()
    np.testing.assert_array_equal(hot, np.eye(5)[eps.argmax(axis=1)])
    assert stats.chisquare(hot.sum(axis=0)).pvalue > 1e-4


def test_the_discriminators_rate():
    expected = {"gan": 1, "cgan": 1, "sagan": 4, "infogan": 0.2, "info-cgan": 1, "bigan": 1}
    for name, factor in expected.items():
        cls = MODELS[name].load_class()
        published = float(cls.default_optimizer().learning_rate)
        assert MODELS[name].config.get("discriminator_rate", cls.discriminator_rate) == factor
        rates = {"infogan": 1e-3, "bigan": 2e-4}
        assert published == pytest.approx(rates.get(name, 1e-4))
    model = make("gan", discriminator_rate=4.0, attention=0)
    model.compile(optimizer=model.default_optimizer(), jit_compile=False)
    twin = model.discriminator_optimizer
    assert float(twin.learning_rate) == pytest.approx(4e-4)
    assert (twin.beta_1, twin.beta_2) == (0.0, 0.9)
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100)
    model.compile(optimizer=model.default_optimizer(schedule), jit_compile=False)
    for step in (0, 30, 100):
        rate = float(model.discriminator_optimizer._learning_rate(step))
        assert rate == pytest.approx(4 * float(schedule(step)))


def test_the_dcgans_twin_has_its_rate():
    model = DCGAN()
    model.compile(optimizer=keras.optimizers.RMSprop(2e-3), jit_compile=False)
    assert isinstance(model.discriminator_optimizer, keras.optimizers.RMSprop)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(2e-3)
