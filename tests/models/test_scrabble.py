"""The ScrabbleGAN against what the paper says of it, and its parts against slow, obvious ones."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.errors import UsageError
from tfgenxai.models import scrabble_networks as networks
from tfgenxai.models.reading import misread, read, reading_loss
from tfgenxai.models.scrabble_gan import ScrabbleGAN, balanced
from tfgenxai.models.scrabble_layers import CharacterCodes, SideBySide

TINY = networks.Size(2, (8, 8, 8, 8), (8, 8, 8, 8), (2, 2, 3, 3, 4, 4, 4), 2)


def trainable(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_variables)


def conv(inputs, outputs, side=3):
    return inputs * outputs * side * side + outputs


@pytest.mark.parametrize("characters", [26, 52, 80])
def test_the_parameters_of_the_published_size(characters, monkeypatch):
    """Counted by hand from the paper's table; 51 million at 26 characters, without attention."""
    monkeypatch.setattr(networks, "_initial", lambda: "zeros")  # no 65 million random numbers
    size = networks.SIZES["full"]
    g, d, r, c = size.generator, size.discriminator, size.recogniser, size.chunk
    generator = c * characters * 16 * g[0]
    for i, (inputs, outputs) in enumerate(itertools.pairwise(g)):
        second = conv(outputs, outputs, 1 if i == 2 else 3)
        shortcut = conv(inputs, outputs, 1)
        generator += conv(inputs, outputs) + second + shortcut + 2 * c * (inputs + outputs)
    generator += 2 * g[-1] + conv(g[-1], 1)
    discriminator = d[-1] + 1
    for inputs, outputs in itertools.pairwise((1, *d)):
        shortcut = conv(inputs, outputs, 1) if inputs != outputs else 0
        discriminator += conv(inputs, outputs) + conv(outputs, outputs) + shortcut
    recogniser = (r[-1] + 1) * (characters + 1) + 2 * (r[2] + r[4] + r[6])
    for i, (inputs, outputs) in enumerate(itertools.pairwise((1, *r))):
        recogniser += conv(inputs, outputs, 2 if i == 6 else 3)

    found = [
        trainable(networks.make_generator(size, characters, attention=False)),
        trainable(networks.make_discriminator(size, attention=False)),
        trainable(networks.make_recogniser(r, characters)),
    ]
    assert found == [generator, discriminator, recogniser]
    if characters == 26:
        assert round(sum(found) / 1e6) == 51


def test_each_character_has_a_matrix_of_its_own():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    code = rng.standard_normal((3, 2)).astype(np.float32)
    label = rng.integers(0, 5, (3, 4))
    bank = rng.standard_normal((5, 2, 16 * 6)).astype(np.float32)  # characters, code, patch
    dense = CharacterCodes(5)([code, label]).numpy() @ bank.reshape(10, -1)
    found = SideBySide(4)(dense).numpy()
    assert found.shape == (3, 4, 16, 6)
    for n, i in itertools.product(range(3), range(4)):
        patch = (code[n] @ bank[label[n, i]]).reshape(4, 4, 6)
        np.testing.assert_allclose(found[n, :, 4 * i : 4 * i + 4], patch, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(1)
    network = networks.make_generator(TINY, 5, attention=False)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if "kernel" in weight.name or "moving_mean" in weight.name:
            weight.assign(rng.normal(0, 0.3, weight.shape))
    return network


@pytest.mark.parametrize("length", [1, 2, 3, 10])
def test_words_of_any_length(generator, length):
    image = generator([np.ones((2, 8), np.float32), np.full((2, length), 4)])
    assert image.shape == (2, 32, 16 * length, 1)
    assert networks.make_discriminator(TINY)(image).shape == (2, 1)
    recogniser = networks.make_recogniser(TINY.recogniser, 5)
    assert recogniser(image).shape == (2, 4 * length - 1, 6)


def test_a_character_reaches_its_neighbours_and_no_further(generator):
    """Without attention: two 3x3 convolutions before each upsampling reach 12 pixels at most."""
    z = np.random.default_rng(2).standard_normal((1, 8)).astype(np.float32)
    one = generator([z, np.array([[0, 1, 2, 3, 4, 0]])]).numpy()
    other = generator([z, np.array([[0, 1, 4, 3, 4, 0]])]).numpy()
    moved = np.abs(one - other).max(axis=(0, 1, 3))
    assert (moved[32:48] > 1e-6).all()
    assert (moved[:16] == 0).all() and (moved[64:] == 0).all()


def test_conditional_normalisation(generator):
    """(x - mean) / sqrt(variance + 1e-3), times 1 + W z, plus W' z."""
    z = np.random.default_rng(3).standard_normal((2, 8)).astype(np.float32)
    layer = generator.get_layer
    name = "generator_up_1_bn_0"
    taps = [layer(name).input, layer(f"{name}_modulate").output]
    x, found = keras.Model(generator.inputs, taps)([z, np.array([[1, 2]] * 2)])
    mean, variance = (np.asarray(v) for v in layer(name).variables)
    style = z[:, 4:6]
    gain, bias = (style @ np.asarray(layer(f"{name}_{part}").kernel) for part in ("gain", "bias"))
    normal = (x.numpy() - mean) / np.sqrt(variance + layer(name).epsilon)
    expected = normal * (1 + gain)[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def collapsed(path):
    """What a path of classes reads: repeats are one, then blanks go."""
    return [k - 1 for k, _ in itertools.groupby(path) if k != 0]


def test_the_reading_loss_is_the_sum_over_all_paths():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((3, 4, 3)).astype(np.float32)
    labels = np.array([[0, 1], [1, 1], [0, 0]])
    log_p = tf.nn.log_softmax(logits).numpy().astype(np.float64)
    each = [
        -math.log(
            sum(
                math.exp(sum(log_p[n, t, k] for t, k in enumerate(path)))
                for path in itertools.product(range(3), repeat=4)
                if collapsed(path) == list(labels[n])
            )
        )
        for n in range(3)
    ]
    found = reading_loss(tf.constant(labels), tf.constant(logits))
    assert float(found) == pytest.approx(np.mean(each), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_the_best_path_is_read(path):
    logits = tf.one_hot([path], 5)
    expected = collapsed(path)
    found = read(logits).numpy()[0].tolist()
    assert found == expected + [-1] * (len(path) - len(expected))


def test_misread_counts_edits():
    def path(*classes):
        return tf.one_hot([classes], 6)

    label = tf.constant([[0, 1, 1]], tf.int64)
    assert float(misread(label, path(1, 2, 0, 2, 0))) == 0
    assert float(misread(label, path(1, 2, 2, 0, 0))) == pytest.approx(1 / 3)  # one is missing
    assert float(misread(label, path(1, 3, 0, 2, 5))) == pytest.approx(2 / 3)  # wrong, one too many
    assert float(misread(label, path(0, 0, 0, 0, 0))) == 1


def test_the_recognisers_gradient_is_scaled_to_the_discriminators():
    rng = np.random.default_rng(0)
    one, other = (tf.constant(s * rng.standard_normal((2, 8, 6, 1))) for s in (0.1, 7.0))
    combined, factor = balanced(one, other, 2.5)
    np.testing.assert_allclose(combined, one + factor * other)
    assert np.std(combined - one) == pytest.approx(2.5 * np.std(one), rel=1e-6)


@pytest.fixture
def tiny(monkeypatch):
    """A model of the tiny size trained by plain descent, so that updates are gradients."""
    monkeypatch.setitem(networks.SIZES, "tiny", TINY)

    def make(**config):
        keras.utils.set_random_seed(0)
        model = ScrabbleGAN("abcde", size="tiny", average=0.0, **config)
        model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
        return model

    return make


def a_batch(number=4, length=2):
    rng = np.random.default_rng(5)
    images = rng.random((number, 32, 16 * length, 1), np.float32)
    return tf.constant(images), tf.constant(rng.integers(0, 5, (number, length)))


def descended(network, gradients):
    """The weights of a network after a step down these gradients at rate 1."""
    both = zip(network.trainable_variables, gradients, strict=True)
    return [weight.numpy() - gradient.numpy() for weight, gradient in both]


def same_weights(network, expected):
    for weight, value in zip(network.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, rtol=1e-3, atol=1e-5)


def test_an_update_of_the_recogniser_and_the_generator(tiny):
    model = tiny(attention=False)
    images, labels = a_batch()
    real = 2 * images - 1
    z = model.noise((4, 8), 0)
    # Statistics of batches and spectral norms move with every pass: the same start for both.
    start = model.get_weights()
    with tf.GradientTape() as tape:
        loss = reading_loss(labels, model.recogniser(real, training=True))
    recogniser = descended(
        model.recogniser, tape.gradient(loss, model.recogniser.trainable_variables)
    )
    model.set_weights(start)
    model.recogniser(real, training=True)  # drawn words are read by the statistics of real ones
    with tf.GradientTape(persistent=True) as tape:
        fake = model.generator([z, labels], training=True)
        both = model.discriminator(tf.concat([real, fake], 0), training=True)
        adversarial = -tf.reduce_mean(both[4:])
        legible = reading_loss(labels, model.recogniser(fake, training=False))
    spread = [np.std(tape.gradient(loss, fake)) for loss in (adversarial, legible)]
    factor = spread[0] / (1e-7 + spread[1])
    with tape:
        whole = adversarial + float(factor) * legible
    # Spectral normalisation has put the normalised kernel in the place of the kernel.
    generator = descended(
        model.generator, tape.gradient(whole, model.generator.trainable_variables)
    )

    model.set_weights(start)
    values = model.update(real, labels, 0, generator=True)
    same_weights(model.recogniser, recogniser)
    same_weights(model.generator, generator)
    assert float(values["gradient_balance"]) == pytest.approx(factor, rel=1e-3)


def test_judges_are_updated_on_every_part_of_a_batch_and_the_generator_once(tiny):
    model = tiny(categories=2, continuous=1, precision="mixed_bfloat16")
    images, labels = a_batch(number=6)
    seen = []
    update = model.update
    model.update = lambda real, *args, **kwargs: (
        seen.append(len(real)) or update(real, *args, **kwargs)
    )
    values = model.train_step((images, labels))
    assert np.isfinite([float(value) for value in values.values()]).all()
    assert model.generator.get_layer("generator_up_0_conv_0").compute_dtype == "bfloat16"
    assert seen == [3, 3]
    assert int(model.optimizer.iterations) == 1
    assert int(model.discriminator_optimizer.iterations) == 2
    z = model.prior(tf.random.normal((50, model.latent_dim))).numpy()
    assert set(z[:, 8:10].sum(axis=1)) == {1.0} and np.abs(z[:, 10]).max() < 1


def test_signatures_of_words_and_of_their_codes(tiny):
    model = tiny(categories=2, continuous=1, precision="mixed_bfloat16")
    signatures = model.export_signatures()
    assert set(signatures) >= {"generate", "discriminate", "recognise", "sample", "prior", "infer"}
    z, label = tf.random.normal((2, 11)), tf.constant([[0, 1, 2]] * 2, tf.int64)
    image = signatures["generate"](z, label)["image"]
    assert image.shape == (2, 32, 48, 1) and float(tf.reduce_min(image)) >= 0
    # Trained in 16 bits, exported in 32: as close as 16 bits are.
    np.testing.assert_allclose(image, model.generate(z, label), atol=0.03)
    answer = signatures["infer"](image)
    assert answer["probabilities"].shape == (2, 2) and answer["continuous"].shape == (2, 1)
    assert signatures["recognise"](image)["text"].shape == (2, 11)


def test_what_a_user_can_get_wrong():
    with pytest.raises(UsageError, match="no size 'huge'; choose from full, small"):
        ScrabbleGAN(size="huge")
    with pytest.raises(UsageError, match="each of its characters once, not 'aba'"):
        ScrabbleGAN("aba")
