"""Every target against NumPy on the arrays that the graph was made of."""

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    NegativeElbo,
    Output,
    Pixels,
    ReconstructionError,
    Scalar,
    Unit,
)

RANDOM = np.random.default_rng(0)
N, SIDE, D, CLASSES = 6, 4, 3, 5
PIXELS = SIDE * SIDE


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


TO_MEAN, TO_LOGVAR, TO_PIXELS = normal(PIXELS, D), normal(PIXELS, D), normal(D, PIXELS)
TO_CLASSES, TO_REAL, KERNEL = normal(PIXELS, CLASSES), normal(PIXELS, 1), normal(2, 2, 1, 3)
IMAGES = RANDOM.random((N, SIDE, SIDE, 1), dtype=np.float32)
CODES = normal(N, D)
FLAT = IMAGES.reshape(N, -1)
LOGITS = (CODES @ TO_PIXELS).reshape(IMAGES.shape)
DECODED = 1 / (1 + np.exp(-LOGITS))


def flat(image):
    return tf.reshape(image, (-1, PIXELS))


def freeze(function, name, *shape):
    spec = tf.TensorSpec((None, *shape), tf.float32, name=name)
    compiled = tf.function(function, input_signature=[spec])
    return Graph.from_function(compiled.get_concrete_function())


@pytest.fixture(scope="module")
def encoder():
    def encode(image):
        mean, logvar = flat(image) @ TO_MEAN, flat(image) @ TO_LOGVAR
        return {"mean": mean, "logvar": logvar, "z": mean + 2.0}

    return freeze(encode, "image", SIDE, SIDE, 1)


@pytest.fixture(scope="module")
def decoder():
    def decode(z):
        logits = tf.reshape(z @ TO_PIXELS, (-1, SIDE, SIDE, 1))
        return {"logits": logits, "image": tf.sigmoid(logits)}

    return freeze(decode, "z", D)


@pytest.fixture(scope="module")
def classifier():
    def classify(image):
        maps = tf.identity(tf.nn.conv2d(image, KERNEL, 1, "SAME"), name="maps")
        logits = flat(image) @ TO_CLASSES + 0.0 * tf.reduce_sum(maps, axis=[1, 2, 3])[:, None]
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    return freeze(classify, "image", SIDE, SIDE, 1)


@pytest.fixture(scope="module")
def discriminator():
    return freeze(lambda image: {"logits": flat(image) @ TO_REAL}, "image", SIDE, SIDE, 1)


def scores(target, graph, values):
    explained = target.on(graph)
    feeds = Feeds({next(iter(graph.inputs)): values}, explained.shared, explained.rows)
    found = explained.scores(feeds).numpy()
    assert found.shape == (len(values), len(explained.names)) and found.dtype == np.float32
    assert explained.family or len(explained.names) == 1
    return found if explained.family else found[:, 0]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_latent(encoder):
    mean = FLAT @ TO_MEAN
    close(scores(Latent(1), encoder, IMAGES), mean[:, 1])
    close(scores(Latent.all(), encoder, IMAGES), mean)
    close(scores(Latent((2, 0)), encoder, IMAGES), mean[:, [2, 0]])
    close(scores(Latent([2]), encoder, IMAGES), mean[:, [2]])
    close(scores(Latent(1, at="sample"), encoder, IMAGES), mean[:, 1] + 2)
    close(scores(Latent(1, output="logvar"), encoder, IMAGES), (FLAT @ TO_LOGVAR)[:, 1])
    assert Latent.all().on(encoder).names == ("z0", "z1", "z2")
    assert Latent([1, 2]) == Latent((1, 2)) and Latent.all() == Latent(None)


def test_output(classifier, decoder):
    logits = FLAT @ TO_CLASSES
    odds = np.exp(logits - logits.max(1, keepdims=True))
    odds /= odds.sum(1, keepdims=True)
    close(scores(Output("probabilities", 4), classifier, IMAGES), odds[:, 4])
    close(scores(Output("probabilities"), classifier, IMAGES), odds)
    close(scores(Output("image", (1, 2, 0)), decoder, CODES), DECODED[:, 1, 2, 0])
    assert Output("image", (1, 2, 0)).on(decoder).names == ("image[1, 2, 0]",)


def test_class_logit(classifier):
    logits = FLAT @ TO_CLASSES
    labels = [4, 0, 1, 1, 3, 2]
    close(scores(ClassLogit(2), classifier, IMAGES), logits[:, 2])
    close(scores(ClassLogit.all(), classifier, IMAGES), logits)
    close(scores(ClassLogit(labels), classifier, IMAGES), logits[np.arange(N), labels])


def test_scores_of_a_generated_image(decoder, classifier, discriminator):
    generated = DECODED.reshape(N, -1)
    close(scores(ClassLogit(2, classifier), decoder, CODES), (generated @ TO_CLASSES)[:, 2])
    close(scores(ClassLogit.all(classifier), decoder, CODES), generated @ TO_CLASSES)
    close(scores(Discriminator(discriminator), decoder, CODES), (generated @ TO_REAL)[:, 0])
    with pytest.raises(UsageError, match=r"'logits' has shape \(None, 4, 4, 1\).*a classifier as"):
        ClassLogit(0).on(decoder)
    with pytest.raises(UsageError, match=r"one input of shape \(4, 4, 1\).*; it takes z \(3,\)"):
        ClassLogit(0, freeze(lambda z: {"logits": z}, "z", D)).on(decoder)


def test_discriminator(discriminator, classifier):
    close(scores(Discriminator(), discriminator, IMAGES), (FLAT @ TO_REAL)[:, 0])
    with pytest.raises(UsageError, match="use ClassLogit"):
        Discriminator().on(classifier)


def test_unit(classifier):
    maps = tf.nn.conv2d(IMAGES, KERNEL, 1, "SAME").numpy()
    close(scores(Unit("maps", 2), classifier, IMAGES), maps[..., 2].mean((1, 2)))
    close(scores(Unit("maps", 2, 3, 0), classifier, IMAGES), maps[:, 3, 0, 2])
    close(scores(Unit("logits", 1), classifier, IMAGES), (FLAT @ TO_CLASSES)[:, 1])
    assert Unit("maps", 2, 3, 0).on(classifier).names == ("maps[3, 0, 2]",)


def test_families_of_units(classifier):
    maps = tf.nn.conv2d(IMAGES, KERNEL, 1, "SAME").numpy()
    close(scores(Unit.all("maps"), classifier, IMAGES), maps.mean((1, 2)))
    close(scores(Unit("maps", (2, 0)), classifier, IMAGES), maps.mean((1, 2))[:, [2, 0]])
    close(scores(Unit("maps", [1]), classifier, IMAGES), maps.mean((1, 2))[:, [1]])
    close(scores(Unit.all("maps", 3, 0), classifier, IMAGES), maps[:, 3, 0])
    close(scores(Unit("maps", (1, 2), 0, 1), classifier, IMAGES), maps[:, 0, 1, 1:])
    close(scores(Unit.all("logits"), classifier, IMAGES), FLAT @ TO_CLASSES)
    assert Unit.all("maps").on(classifier).names == ("maps[0]", "maps[1]", "maps[2]")
    assert Unit("maps", [1, 2]) == Unit("maps", (1, 2)) and Unit.all("maps") == Unit("maps", None)
    with pytest.raises(UsageError, match="family is empty"):
        Unit("maps", ()).on(classifier)
    with pytest.raises(UsageError, match="no channel of maps 3: they run from 0 to 2"):
        Unit("maps", (0, 3)).on(classifier)
    with pytest.raises(UsageError, match="give y and x, or neither"):
        Unit("maps", 0, y=2)
    with pytest.raises(UsageError, match="no unit of maps 4"):
        Unit("maps", 0, 4, 0).on(classifier)


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (SIDE, SIDE, 1), (N, SIDE, SIDE), IMAGES.shape])
def test_pixels(decoder, shape):
    mask = np.random.default_rng(1).random(shape) > 0.5
    full = mask if shape == IMAGES.shape else mask.reshape(-1, SIDE, SIDE, 1)
    close(scores(Pixels(mask), decoder, CODES), (DECODED * full).sum((1, 2, 3)))
    close(scores(Pixels(mask, "logits"), decoder, CODES), (LOGITS * full).sum((1, 2, 3)))


def test_reconstruction_error(decoder):
    expected = ((DECODED - IMAGES) ** 2).sum((1, 2, 3))
    close(scores(ReconstructionError(IMAGES), decoder, CODES), expected)
    halved = freeze(lambda image: {"image": 0.5 * image}, "image", SIDE, SIDE, 1)
    close(scores(ReconstructionError(), halved, IMAGES), 0.25 * (FLAT**2).sum(1))
    with pytest.raises(UsageError, match="pass images="):
        ReconstructionError().on(decoder)


def decoded(codes):
    return 1 / (1 + np.exp(-codes @ TO_PIXELS))


def test_reconstruction_error_of_an_encoder(encoder, decoder):
    """Of the decoder as `model`, and of both in one graph."""
    expected = ((decoded(FLAT @ TO_MEAN) - FLAT) ** 2).sum(1)
    close(scores(ReconstructionError(model=decoder), encoder, IMAGES), expected)
    encode, decode = encoder.function("image", "mean"), decoder.function("z", "image")
    both = freeze(lambda image: {"image": decode(encode(image))}, "image", SIDE, SIDE, 1)
    close(scores(ReconstructionError(), both, IMAGES), expected)
    other = ((decoded(FLAT @ TO_MEAN) - FLAT[::-1]) ** 2).sum(1)
    close(scores(ReconstructionError(IMAGES[::-1], model=decoder), encoder, IMAGES), other)
    wider = freeze(lambda z: {"image": tf.reshape(z, (-1, SIDE, SIDE, 1))}, "z", PIXELS)
    with pytest.raises(UsageError, match=r"one input of shape \(3,\).*; it takes z \(16,\)"):
        ReconstructionError(model=wider).on(encoder)


def log_normal(x, mean, variance):
    return -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance))


def test_negative_elbo(decoder):
    mean, logvar = 0.3 * CODES, -0.5 + 0.1 * CODES
    kl = log_normal(CODES, mean, np.exp(logvar)).sum(1) - log_normal(CODES, 0, 1).sum(1)
    bernoulli = IMAGES * np.log(DECODED) + (1 - IMAGES) * np.log(1 - DECODED)
    target = NegativeElbo(IMAGES, mean, logvar)
    close(scores(target, decoder, CODES), kl - bernoulli.sum((1, 2, 3)))
    gaussian = log_normal(IMAGES, DECODED, 0.1).sum((1, 2, 3))
    target = NegativeElbo(IMAGES, mean, logvar, "gaussian", 0.1)
    close(scores(target, decoder, CODES), kl - gaussian)


def test_negative_elbo_of_a_whole_model():
    def everything(image):
        mean = flat(image) @ TO_MEAN
        logits = tf.reshape(mean @ TO_PIXELS, (-1, SIDE, SIDE, 1))
        return {"mean": mean, "logvar": 0.0 * mean, "z": mean + 1.0, "logits": logits}

    graph = freeze(everything, "image", SIDE, SIDE, 1)
    mean = FLAT @ TO_MEAN
    p = 1 / (1 + np.exp(-mean.astype(float) @ TO_PIXELS))
    kl = log_normal(mean + 1, mean, 1.0).sum(1) - log_normal(mean + 1, 0, 1).sum(1)
    expected = kl - (FLAT * np.log(p) + (1 - FLAT) * np.log(1 - p)).sum(1)
    np.testing.assert_allclose(scores(NegativeElbo(), graph, IMAGES), expected, rtol=1e-4)


def test_negative_elbo_of_an_encoder(encoder, decoder):
    mean, logvar = FLAT @ TO_MEAN, FLAT @ TO_LOGVAR
    z = mean + 2.0
    kl = log_normal(z, mean, np.exp(logvar)).sum(1) - log_normal(z, 0, 1).sum(1)
    p = 1 / (1 + np.exp(-z.astype(float) @ TO_PIXELS))
    expected = kl - (FLAT * np.log(p) + (1 - FLAT) * np.log(1 - p)).sum(1)
    found = scores(NegativeElbo(model=decoder), encoder, IMAGES)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    found = scores(NegativeElbo(likelihood="gaussian", model=decoder), encoder, IMAGES)
    np.testing.assert_allclose(found, kl - log_normal(FLAT, p, 1.0).sum(1), rtol=1e-4)
    with pytest.raises(UsageError, match="misses logits"):
        NegativeElbo(model=encoder).on(encoder)


def test_negative_elbo_says_what_is_missing(encoder, decoder):
    with pytest.raises(UsageError, match="misses mean, logvar: this graph takes z and gives"):
        NegativeElbo(IMAGES).on(decoder)
    with pytest.raises(UsageError, match="misses logits"):
        NegativeElbo().on(encoder)
    with pytest.raises(UsageError, match="pass images="):
        NegativeElbo(mean=CODES, logvar=CODES).on(decoder)
    with pytest.raises(UsageError, match="'bernoulli' or 'gaussian'"):
        NegativeElbo(likelihood="poisson")
    with pytest.raises(InvalidInputError, match=r"mean of NegativeElbo must have shape \(N, 3\)"):
        NegativeElbo(IMAGES, CODES[:, :2], CODES).on(decoder)


def test_scalar(encoder):
    def norm(outputs):
        return tf.reduce_sum(outputs["mean"] ** 2, axis=1)

    close(scores(Scalar(norm, name="norm"), encoder, IMAGES), ((FLAT @ TO_MEAN) ** 2).sum(1))
    assert Scalar(norm, name="norm").on(encoder).names == ("norm",)
    with pytest.raises(UsageError, match="one number for each sample"):
        scores(Scalar(lambda outputs: outputs["mean"], ("mean",)), encoder, IMAGES)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Latent(3), "no latent coordinate 3: they run from 0 to 2"),
        (Latent(-1), "no latent coordinate -1"),
        (Latent((0, 7)), "no latent coordinate 7"),
        (Latent(()), "family is empty"),
        (Latent(1.5), "must be a whole number, not 1.5"),
        (Output("mean", 3), "no mean 3"),
        (Output("mean", (0, 0)), "one number for each axis"),
        (ClassLogit(0), "looks for an output named logits, and this graph gives"),
    ],
)
def test_indices_and_names_out_of_reach(encoder, target, message):
    with pytest.raises(UsageError, match=message):
        target.on(encoder)


def test_an_output_that_stands_for_something_else_is_not_taken(decoder, discriminator):
    generator = freeze(lambda z: {"image": z[:, None, None]}, "z", D)
    for target, graph in (
        (Latent(0), generator),
        (Latent.all(), discriminator),
        (ClassLogit(0), generator),
        (Discriminator(), generator),
        (Pixels(np.ones((SIDE, SIDE))), discriminator),
        (ReconstructionError(), discriminator),
    ):
        with pytest.raises(UsageError, match="looks for an output named"):
            target.on(graph)
    scored = freeze(lambda image: {"scores": flat(image) @ TO_CLASSES}, "image", SIDE, SIDE, 1)
    close(scores(ClassLogit(2), scored, IMAGES), (FLAT @ TO_CLASSES)[:, 2])
    close(scores(Latent(2), scored, IMAGES), (FLAT @ TO_CLASSES)[:, 2])
    with pytest.raises(UsageError, match="has one only: use Discriminator"):
        ClassLogit(0).on(discriminator)


def test_codes_that_are_no_vectors():
    graph = freeze(lambda image: {"mean": image}, "image", SIDE, SIDE, 1)
    close(scores(Latent((1, 2, 0)), graph, IMAGES), FLAT[:, [1, 2, 0]])
    assert Latent((1, 4)).on(graph).names == ("z[0, 1, 0]", "z[1, 0, 0]")


def test_unknown_layers(encoder, classifier):
    with pytest.raises(LayerNotFoundError):
        Unit("conv_9", 0).on(encoder)
    with pytest.raises(LayerNotFoundError):
        Output("probabilites", 0).on(classifier)
    with pytest.raises(UsageError, match="no channel of maps 3"):
        Unit("maps", 3).on(classifier)
    with pytest.raises(UsageError, match="no class 5"):
        ClassLogit([0, 5]).on(classifier)


def test_other_errors(decoder):
    with pytest.raises(UsageError, match="'mean' or 'sample'"):
        Latent(0, at="mode")
    with pytest.raises(InvalidInputError, match="mask has shape"):
        Pixels(np.ones((3, 3))).on(decoder)
    with pytest.raises(InvalidInputError, match="NaN"):
        Pixels(np.full((SIDE, SIDE), np.nan)).on(decoder)
    with pytest.raises(InvalidInputError, match=r"must have shape \(N, 4, 4, 1\)"):
        ReconstructionError(IMAGES[..., 0]).on(decoder)


def test_targets_of_one_kind_share_a_key(encoder, classifier):
    assert Latent(0).on(encoder).key == Latent(2).on(encoder).key
    assert Latent(0).on(encoder).key != Latent(0, at="sample").on(encoder).key
    assert Latent((0,)).on(encoder).family and not Latent(0).on(encoder).family
    assert ClassLogit(0).on(classifier).key != ClassLogit([0] * N).on(classifier).key
