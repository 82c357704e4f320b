"""Whole networks against LRP layer by layer on the matrices of the live Keras layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.attribution.lrp.architectures import in_type, inputs_of, randomise
from tests.attribution.lrp.matrix_forms import matrix_of, textbook
from tfgenxai.attribution import LRP
from tfgenxai.attribution.lrp import facts, read, rules
from tfgenxai.attribution.lrp.composites import Composite
from tfgenxai.errors import UsageError
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import Output


def frozen(shape, name, make, seed=4):
    model = in_type("float64", lambda: keras.Sequential([keras.Input(shape, name=name), *make()]))
    randomise(model, seed)
    return model, Graph.from_keras(model)


@pytest.fixture(scope="module")
def encoder():
    """Convolution, normalised convolution, dense, dense."""
    return frozen(
        (6, 6, 1),
        "image",
        lambda: [
            layers.Conv2D(2, 3, 2, "same", name="conv_0"),
            layers.LeakyReLU(name="act_0"),
            layers.Conv2D(3, 2, name="conv_1"),
            layers.BatchNormalization(name="bn_1"),
            layers.ReLU(name="act_1"),
            layers.Flatten(),
            layers.Dense(4, activation="elu", name="dense_0"),
            layers.Dense(2, name="dense_1"),
        ],
    )


@pytest.fixture(scope="module")
def decoder():
    """Normalised dense layer, then transposed convolutions, one normalised."""
    return frozen(
        (3,),
        "z",
        lambda: [
            layers.Dense(8, use_bias=False, name="dense"),
            layers.BatchNormalization(name="bn_0"),
            layers.LeakyReLU(name="act_0"),
            layers.Reshape((2, 2, 2)),
            layers.Conv2DTranspose(2, 3, 2, "same", use_bias=False, name="up_0"),
            layers.BatchNormalization(name="bn_1"),
            layers.ReLU(name="act_1"),
            layers.Conv2DTranspose(1, 3, 1, "same", name="up_1"),
        ],
    )


def slow_lrp(model, image, by_layer):
    """Relevance of one input for each output element, (outputs, inputs), layer by layer.

    Args:
        by_layer: a rule by name of each layer that starts an affine map, which goes on through a
            batch normalisation.
    """
    maps, x = [], image[None].astype(np.float64)
    for layer in model.layers:
        if layer.name in by_layer:
            maps.append((by_layer[layer.name], x, [without_activation(layer)]))
            x = np.asarray(layer.activation(maps[-1][2][0](x)))
        elif isinstance(layer, layers.BatchNormalization):
            maps[-1][2].append(layer)
            x = np.asarray(layer(x))
        else:
            x = np.asarray(layer(x))
    relevance = np.diag(x.ravel())
    for rule, given, inside in reversed(maps):
        w, b = matrix_of(lambda v, inside=inside: through(inside, v), given.shape[1:])
        rows = [textbook(rule, w, b, given.ravel(), r) for r in relevance]
        relevance = np.array(rows)[:, :-2]
    return relevance


def without_activation(layer):
    def call(x):
        kept, layer.activation = layer.activation, keras.activations.linear
        try:
            return np.asarray(layer(x))
        finally:
            layer.activation = kept

    return call


def through(functions, x):
    for function in functions:
        x = np.asarray(function(x))
    return x


def found_by(graph, images, composite, **options):
    (name,) = graph.outputs
    method = LRP(graph, composite, dtype="float64", low=-1.5, high=2.0, **options)
    explained = method._explained(Output(name))
    found = method.kernel(explained)(Feeds({method.wrt: tf.constant(images)}, explained.shared))
    return found.values.numpy()


EPS, WEAK = rules.epsilon(1e-6), rules.epsilon(0.1)
PLUS, DOUBLE, GAMMA = rules.Z_PLUS, rules.alpha_beta(2, 1), rules.gamma(0.25)
EXPECTED = {  # first convolution, other convolutions, dense layers
    "epsilon": (EPS, EPS, EPS),
    "epsilon_plus": (PLUS, PLUS, EPS),
    "epsilon_plus_flat": (rules.FLAT, PLUS, EPS),
    "epsilon_gamma_box": (rules.BOX, GAMMA, EPS),
    "epsilon_alpha2_beta1": (DOUBLE, DOUBLE, EPS),
    "epsilon_alpha2_beta1_flat": (rules.FLAT, DOUBLE, EPS),
    "preset_a": (PLUS, PLUS, WEAK),
    "preset_a_flat": (rules.FLAT, PLUS, WEAK),
    "preset_b": (DOUBLE, DOUBLE, WEAK),
    "preset_b_flat": (rules.FLAT, DOUBLE, WEAK),
    "zero": (rules.ZERO,) * 3,
    "gamma": (GAMMA,) * 3,
    "w_square": (rules.W_SQUARE,) * 3,
}


def check(found, model, images, by_layer):
    for values, image in zip(found, images, strict=True):
        expected = slow_lrp(model, image, by_layer)
        scale = np.abs(expected).max()
        values = values.reshape(expected.shape)
        np.testing.assert_allclose(values / scale, expected / scale, atol=1e-11)


@pytest.mark.parametrize("name", EXPECTED)
def test_composites_on_an_encoder(encoder, name):
    model, graph = encoder
    first, conv, dense = EXPECTED[name]
    by_layer = {"conv_0": first, "conv_1": conv, "dense_0": dense, "dense_1": dense}
    images = inputs_of(model, 2, 5).astype(np.float64)
    check(found_by(graph, images, name), model, images, by_layer)


@pytest.mark.parametrize("name", EXPECTED)
def test_composites_on_a_decoder(decoder, name):
    model, graph = decoder
    _, conv, dense = EXPECTED[name]
    by_layer = {"dense": dense, "up_0": conv, "up_1": conv}
    codes = inputs_of(model, 2, 6).astype(np.float64)
    check(found_by(graph, codes, name), model, codes, by_layer)


def test_rules_for_single_layers(encoder):
    model, graph = encoder
    images = inputs_of(model, 2, 7).astype(np.float64)
    found = found_by(
        graph,
        images,
        "epsilon",
        layers={"conv_0": "box", "conv_1": rules.alpha_beta(3, 2), "dense_1": "gamma"},
        epsilon=0.05,
        gamma=0.5,
    )
    by_layer = {
        "conv_0": rules.BOX,
        "conv_1": rules.alpha_beta(3, 2),
        "dense_0": rules.epsilon(0.05),
        "dense_1": rules.gamma(0.5),
    }
    check(found, model, images, by_layer)


def test_a_composite_of_ones_own(encoder):
    model, graph = encoder
    images = inputs_of(model, 1, 8).astype(np.float64)
    own = Composite("own", rules.W_SQUARE, rules.gamma(1), rules.ZERO, first=rules.FLAT)
    by_layer = {
        "conv_0": rules.FLAT,
        "conv_1": rules.gamma(1),
        "dense_0": rules.W_SQUARE,
        "dense_1": rules.W_SQUARE,
    }
    check(found_by(graph, images, own), model, images, by_layer)


def test_a_rule_for_all_layers(decoder):
    model, graph = decoder
    codes = inputs_of(model, 1, 9).astype(np.float64)
    rule = rules.alpha_beta(1.5, 0.5)
    found = found_by(graph, codes, rule)
    check(found, model, codes, dict.fromkeys(("dense", "up_0", "up_1"), rule))


def assigned(layers_made, composite, **options):
    """The rules of a model's steps with weights, in order."""
    _, graph = frozen((6, 6, 1), "image", lambda: layers_made)
    return [rule for _, rule in LRP(graph, composite, **options).rules(Output("output"))]


def test_units_of_the_input_pass():
    model = [layers.Rescaling(2.0, -1.0, name="units"), layers.Conv2D(1, 3)]
    assert assigned(model, "epsilon_plus") == ["pass", "alpha1_beta0"]
    assert assigned(model, "epsilon") == ["pass", "epsilon(1e-06)"]
    # Gradient times input, in the units of the graph's input.
    assert assigned(model, "zero") == ["zero", "zero"]
    assert assigned(model, "epsilon", layers={"units": "zero"})[0] == "zero"


def test_bounds_of_the_input_are_rescaled():
    _, graph = frozen(
        (3, 3, 2), "image", lambda: [layers.Rescaling(-2.0, [1.0, 3.0]), layers.Conv2D(1, 2)]
    )
    (source,), (target,) = graph.inputs.values(), graph.outputs.values()
    network = read.read(graph, source, target)
    known = facts.learn(network, 0.0, 1.0, is_nonnegative=True)
    low, high = known.bounds[1]
    np.testing.assert_allclose(low[0, 0, 0], [-1.0, 1.0])
    np.testing.assert_allclose(high[0, 0, 0], [1.0, 3.0])
    assert sorted(known.bounds) == [0, 1] and known.first == {2} and known.rescaling == {1}


def test_normalisations_between_layers_have_the_rule_of_sums():
    model = [
        layers.Conv2D(2, 3),
        layers.ReLU(),
        layers.BatchNormalization(),
        layers.Conv2D(1, 2),
    ]
    plus = "alpha1_beta0"
    assert assigned(model, "epsilon_plus") == [plus, "epsilon(1e-06)", plus]
    assert assigned(model, "preset_b")[1] == "epsilon(0.1)"


def test_only_the_layers_that_read_the_image_are_first():
    x = keras.Input((6, 6, 1), name="image")
    left = layers.Conv2D(2, 3, padding="same", name="left")(x)
    right = layers.Conv2D(2, 1, name="right")(x)
    y = layers.Add(name="add")([left, right])
    graph = Graph.from_keras(keras.Model(x, layers.Conv2D(1, 6, name="last")(y)))
    assert dict(LRP(graph, "epsilon_plus_flat").rules(Output("last"))) == {
        "left": "flat",
        "right": "flat",
        "add": "epsilon(1e-06)",
        "last": "alpha1_beta0",
    }


def test_bad_composites(encoder):
    _, graph = encoder
    with pytest.raises(UsageError, match="no composite 'epsilon_pluss'; try epsilon_plus"):
        LRP(graph, "epsilon_pluss")
    for wrong in ("box", "pass"):
        with pytest.raises(UsageError, match=f"no composite '{wrong}'"):
            LRP(graph, wrong)
    for wrong in (rules.PASS, 3, None):
        with pytest.raises(UsageError, match="is a name, a Rule or a Composite"):
            LRP(graph, wrong)
    with pytest.raises(UsageError, match="gamma= must be a number that is not negative"):
        LRP(graph, "epsilon_gamma_box", gamma=-1)
    with pytest.raises(UsageError, match="epsilon= must be"):
        LRP(graph, epsilon=-1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"conv_2": "zero"}, "no layer 'conv_2' with weights of its own; try conv_1, conv_0"),
        ({"bn_1": "zero"}, "no layer 'bn_1' with weights"),
        ({"act_0": "zero"}, "no layer 'act_0' with weights"),
        ({"conv_1": "epsilonn"}, "no rule 'epsilonn'; try epsilon"),
        ({"conv_1": "pass"}, "Relevance cannot pass layer 'conv_1'"),
        ({"conv_1": "box"}, "range of what layer 'conv_1' reads, which is known for the first"),
        ({"conv_1": 3}, "layer 'conv_1' must be a name or a Rule, not 3"),
    ],
)
def test_bad_rules_for_layers(encoder, layers, message):
    _, graph = encoder
    with pytest.raises(UsageError, match=message):
        LRP(graph, layers=layers).rules(Output("output"))
