import json

import numpy as np
import pytest
import tensorflow as tf

from tests.attribution.conftest import code_spec, freeze, image_spec
from tfgenxai.attribution import LRP, Attribution, create
from tfgenxai.attribution.lrp import rules
from tfgenxai.errors import InvalidInputError, UsageError
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

MASK = np.zeros((12, 12))
MASK[3:7, 2:9] = 1.0


def gradient_times_input(scalar, inputs):
    """x * df/dx of a live model, one sample at a time."""
    found = []
    for sample in inputs:
        x = tf.constant(sample[None])
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(scalar(x))
        found.append(tape.gradient(value, x).numpy()[0] * sample)
    return np.stack(found)


def assert_close(found, expected, tolerance=2e-5):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=tolerance)


def balance(a):
    """What the account leaves open, and the target."""
    axes = tuple(range(2 if a.family else 1, a.values.ndim))
    arrived = a.values.sum(axis=axes, dtype=np.float64)
    target = arrived - a.convergence_delta
    return arrived + sum(a.delta_parts.values()) - target, target


def test_lrp_0_of_every_kind_of_target(encoder, decoder, classifier, discriminator, images, codes):
    cases = [
        (encoder.graph, images, Latent(3), lambda x: encoder.model(x)[0][:, 3]),
        (encoder.graph, images, Output("logvar", 1), lambda x: encoder.model(x)[1][:, 1]),
        (encoder.graph, images, Unit("act_1", 2, 1, 0), None),
        (decoder.graph, codes, Pixels(MASK), lambda z: decoder.model(z)[..., 0] * MASK),
        (decoder.graph, codes, Output("logits", (4, 5, 0)), lambda z: decoder.model(z)[:, 4, 5, 0]),
        (classifier.graph, images, ClassLogit(2), lambda x: classifier.model(x)[:, 2]),
        (discriminator.graph, images, Discriminator(), discriminator.model),
    ]
    for graph, inputs, target, scalar in cases:
        a = LRP(graph, "zero")(inputs, target)
        open_, value = balance(a)
        scale = np.abs(a.values).sum(axis=tuple(range(1, a.values.ndim)))
        np.testing.assert_allclose(open_ / scale, 0, atol=1e-6)
        if scalar is not None:
            assert_close(a.values, gradient_times_input(scalar, inputs))
            expected = tf.reduce_sum(tf.reshape(scalar(inputs), (len(inputs), -1)), axis=1)
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_means_of_channels(classifier, images):
    family = LRP(classifier.graph, "zero")(images, Unit.all("conv_1"))
    assert family.values.shape == (7, 5, 12, 12, 1)
    cut = classifier.graph.function("image", "conv_1")
    expected = gradient_times_input(lambda x: tf.reduce_mean(cut(x)[..., 4], (1, 2)), images)
    assert_close(family.values[:, 4], expected)
    one = LRP(classifier.graph, "zero")(images, Unit("conv_1", 4))
    assert_close(one.values, expected)


def test_every_pixel_has_its_own_weight(decoder, codes):
    masks = np.random.default_rng(3).normal(size=(7, 12, 12)).astype(np.float32)
    for mask in (masks, masks[0]):
        rows = np.broadcast_to(mask, (7, 12, 12))
        found = LRP(decoder.graph, "zero")(codes, Pixels(mask), batch_size=3).values
        for i in range(7):
            expected = gradient_times_input(
                lambda z, row=rows[i]: decoder.model(z)[..., 0] * row, codes[i : i + 1]
            )
            assert_close(found[i : i + 1], expected)


def test_every_sample_may_have_its_own_class(classifier, images):
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    method = LRP(classifier.graph)
    own = method(images, ClassLogit(labels), batch_size=3)
    every = method(images, ClassLogit.all())
    assert_close(own.values, every.values[np.arange(7), labels], 1e-6)
    assert own.convergence_delta.shape == (7,) and every.convergence_delta.shape == (7, 4)


@pytest.mark.parametrize("composite", ["epsilon_plus", "epsilon_gamma_box"])
def test_a_family_is_its_members_in_batches_of_any_size(encoder, images, composite):
    method = LRP(encoder.graph, composite)
    family = method(images, Latent((4, 0, 2)), batch_size=3)
    assert family.target_names == ("z4", "z0", "z2")
    for place, i in enumerate((4, 0, 2)):
        for size in (1, 7):
            single = method(images, Latent(i), batch_size=size)
            assert_close(family.values[:, place], single.values, 1e-6)
            scale = np.abs(single.values).sum(axis=(1, 2, 3))
            deltas = family.convergence_delta[:, place] - single.convergence_delta
            np.testing.assert_allclose(deltas / scale, 0, atol=1e-6)
    assert family.delta_parts["bias"].shape == (7, 3)


def test_relevance_starts_at_the_logits(decoder, classifier, images, codes):
    for graph, inputs, output, logits in [
        (decoder.graph, codes, Pixels(MASK), Pixels(MASK, output="logits")),
        (classifier.graph, images, Output("probabilities", 1), ClassLogit(1)),
    ]:
        method = LRP(graph)
        a, b = method(inputs, output), method(inputs, logits)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-5, atol=1e-7)
        assert a.settings["start"] == "logits"


def test_rescaled_logits(decoder, codes):
    def decode(z):
        logits = decoder.model(z)
        return {
            "plain": logits,
            "up": (tf.tanh(logits) + 1) / 2,
            "down": tf.reshape(1 - tf.sigmoid(2 * logits), (-1, 144)),
        }

    graph = freeze(decode, code_spec())
    method = LRP(graph, "zero")
    plain = method(codes, Pixels(MASK, output="plain")).values
    up = method(codes, Pixels(MASK, output="up")).values
    np.testing.assert_allclose(up, plain, rtol=1e-5, atol=1e-6)
    one = method(codes, Output("plain", (3, 4, 0))).values
    # The sigmoid is of twice the logit, and falls as it rises.
    down = method(codes, Output("down", 3 * 12 + 4)).values
    np.testing.assert_allclose(down, -2 * one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", ["class", "classes", "discriminator"])
def test_through_a_model_that_judges_the_image(decoder, classifier, discriminator, codes, target):
    """Relevance of the image, which passes the sigmoid, is relevance of the decoder's logits."""
    judge = discriminator if target == "discriminator" else classifier
    wanted = {
        "class": (ClassLogit(2, model=judge.graph), ClassLogit(2)),
        "classes": (ClassLogit.all(model=judge.graph), ClassLogit.all()),
        "discriminator": (Discriminator(model=judge.graph), Discriminator()),
    }[target]
    for composite in ("zero", "epsilon_plus_flat"):
        method = LRP(decoder.graph, composite)
        a = method(codes, wanted[0], batch_size=4)
        generated = tf.sigmoid(decoder.model(codes)).numpy()
        inner = LRP(judge.graph, composite)(generated, wanted[1])
        logits = decoder.model(codes).numpy()
        of_image = inner.values if inner.family else inner.values[:, None]
        for t in range(of_image.shape[1]):
            # A mask that gives every logit the relevance of its pixel.
            mask = np.divide(
                of_image[:, t, :, :, 0],
                logits[..., 0],
                where=logits[..., 0] != 0,
                out=np.zeros_like(logits[..., 0]),
            )
            outer = method(codes, Pixels(mask, output="logits"))
            assert_close(a.values[:, t] if a.family else a.values, outer.values, 1e-5)
        open_, value = balance(a)
        scale = np.abs(a.values).sum(axis=-1)
        np.testing.assert_allclose(open_ / scale, 0, atol=1e-5)
        np.testing.assert_allclose(value, balance(inner)[1], rtol=1e-4, atol=1e-5)


def test_other_inputs_have_their_share():
    table = np.random.default_rng(4).normal(size=(3, 6)).astype(np.float32)
    weights = np.random.default_rng(5).normal(size=(10, 6)).astype(np.float32)

    def decode(z, label):
        joined = tf.concat([z, tf.one_hot(label, 3) * 1.5], -1)
        hidden = tf.nn.relu(tf.matmul(joined, weights[:8]) + tf.gather(table, label))
        return {"y": hidden @ weights[:6]}

    specs = [tf.TensorSpec((None, 5), name="z"), tf.TensorSpec((None,), tf.int32, name="label")]
    graph = freeze(decode, *specs)
    inputs = {
        "z": np.random.default_rng(6).normal(size=(5, 5)).astype(np.float32),
        "label": np.array([0, 2, 1, 1, 0], np.int32),
    }
    a = LRP(graph, "epsilon")(inputs, Output("y"), batch_size=2)
    assert set(a.delta_parts) == {"bias", "stabiliser", "label"}
    open_, value = balance(a)
    np.testing.assert_allclose(open_, 0, atol=1e-4)
    expected = decode(tf.constant(inputs["z"]), inputs["label"])["y"]
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(a.delta_parts["label"]).min() > 1e-3


def test_noise_that_is_added_has_its_share(codes):
    weights = np.random.default_rng(7).normal(size=(5, 4)).astype(np.float32)

    def generate(z):
        noise = tf.random.normal((tf.shape(z)[0], 4))
        return {"y": tf.nn.relu(tf.matmul(z, weights) + 0.3 * noise) @ weights[:4]}

    graph = freeze(generate, code_spec())
    a = LRP(graph, "epsilon", seed=3)(codes, Output("y"))
    assert "noise" in a.delta_parts
    np.testing.assert_allclose(balance(a)[0], 0, atol=1e-4)
    b = LRP(graph, "epsilon", seed=3)(codes, Output("y"), batch_size=2)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-4, atol=1e-5)


def test_double_precision(encoder, images):
    single = LRP(encoder.graph)(images, Latent.all())
    double = LRP(encoder.graph, dtype="float64")(images, Latent.all())
    assert double.values.dtype == np.float32
    assert_close(single.values, double.values, 1e-5)
    parts = double.delta_parts
    np.testing.assert_allclose(
        double.convergence_delta + parts["bias"] + parts["stabiliser"], 0, atol=1e-12
    )


def test_result_and_settings(encoder, images, tmp_path):
    method = LRP(
        encoder.graph, "preset_a", layers={"conv_0": rules.gamma(0.5), "mu": "zero"}, seed=4
    )
    a = method(images, Latent.all(), out=tmp_path / "values.npy")
    assert (a.method, a.family, a.input_shape) == ("lrp", True, (12, 12, 1))
    assert a.settings == {
        "seed": 4,
        "wrt": "image",
        "composite": "preset_a",
        "epsilon": None,
        "gamma": 0.25,
        "low": 0.0,
        "high": 1.0,
        "layers": {"conv_0": "gamma(0.5)", "mu": "zero"},
        "dtype": "float32",
        "start": "logits",
    }
    json.dumps(a.settings)
    read = Attribution.load(a.save(tmp_path / "a.npz"))
    np.testing.assert_array_equal(read.delta_parts["bias"], a.delta_parts["bias"])
    assert method.rules(Latent(0)) == [
        ("conv_0", "gamma(0.5)"),
        ("conv_1", "alpha1_beta0"),
        ("mu", "zero"),
    ]


def test_rules_of_both_networks(decoder, discriminator):
    target = Discriminator(model=discriminator.graph)
    found = LRP(decoder.graph, "epsilon_plus_flat").rules(target)
    assert [rule for _, rule in found] == [
        "epsilon(1e-06)",
        "alpha1_beta0",
        "alpha1_beta0",
        "flat",
        "epsilon(1e-06)",
    ]
    assert [layer for layer, _ in found[:3]] == ["dense", "up_0", "up_1"]


def test_the_registry_knows_it(encoder, images):
    found = create("lrp", encoder.graph, composite="epsilon")(images, Latent(0))
    np.testing.assert_array_equal(
        found.values, LRP(encoder.graph, "epsilon")(images, Latent(0)).values
    )


def test_the_second_call_does_not_retrace(encoder, images):
    method = LRP(encoder.graph)
    for target in (Latent(0), Latent(4)):
        for batch in (images, images[:2], images[:1]):
            method(batch, target, batch_size=5)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1
    assert len(method._stages) == 1


def test_memory_bounds_the_batch(encoder, images, monkeypatch):
    method = LRP(encoder.graph)
    explained = Latent.all().on(encoder.graph)
    one, many = (method.rows_at_once(t) for t in (Latent(0).on(encoder.graph), explained))
    assert one > many > 1000
    monkeypatch.setattr("tfgenxai.attribution.lrp.method.MEMORY", 80_000)
    assert method.rows_at_once(explained) < 7
    found = method(images, Latent.all())
    monkeypatch.undo()
    np.testing.assert_allclose(found.values, method(images, Latent.all()).values, atol=1e-6)


def test_targets_that_it_cannot_start_from(encoder, decoder, autoencoder, images, codes):
    cases = [
        (autoencoder.graph, images, ReconstructionError()),
        (decoder.graph, codes, ReconstructionError(images)),
        (encoder.graph, images, NegativeElbo(model=decoder.graph)),
        (encoder.graph, images, Scalar(lambda outputs: outputs["mean"][:, 0])),
    ]
    for graph, inputs, target in cases:
        with pytest.raises(UsageError, match=f"weighted sum .*{type(target).__name__} is not"):
            LRP(graph)(inputs, target)
    with pytest.raises(UsageError, match="Say what to explain"):
        LRP(encoder.graph)(images)


def test_a_sample_of_the_posterior_has_no_rule(encoder, images):
    with pytest.raises(UsageError, match="no rule for Exp in layer .*explain a target before it"):
        LRP(encoder.graph)(images, Latent(0, at="sample"))


def test_a_judge_must_be_sure(decoder, codes):
    def judge(image):
        score = tf.reduce_sum(image, (1, 2, 3))[:, None]
        return {"logits": score + tf.random.normal(tf.shape(score))}

    graph = freeze(judge, image_spec())
    with pytest.raises(UsageError, match="draws random numbers"):
        LRP(decoder.graph)(codes, Discriminator(model=graph))


def test_the_box_rule_checks_its_range(linear, encoder, images, codes):
    spec = tf.TensorSpec((None, 12, 12, 1), name="x")
    graph = freeze(lambda x: {"y": tf.nn.conv2d(x, tf.ones((3, 3, 1, 2)), 4, "VALID")}, spec)
    wide = 2 * images - 1
    with pytest.raises(InvalidInputError, match=r"inputs in \[0, 1\]; these run from -.*low="):
        LRP(graph, "epsilon_gamma_box")(wide, Output("y", (0, 0, 0)))
    a = LRP(graph, "epsilon_gamma_box", low=-1, high=1)(wide, Output("y", (0, 0, 0)))
    x = np.zeros_like(wide[:, :, :, 0])
    # z^B with weights of 1: shares in proportion to the distance from the lower end.
    window = wide[:, :3, :3, 0] + 1
    x[:, :3, :3] = window / window.sum(axis=(1, 2), keepdims=True)
    target = wide[:, :3, :3].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(a.values[..., 0], x * target[:, None, None], rtol=1e-4, atol=1e-5)
    assert not np.isnan(LRP(graph, "epsilon_plus")(wide, Output("y", (0, 0, 0))).values).any()


def test_bad_options(encoder):
    with pytest.raises(UsageError, match="dtype= is 'float32' or 'float64', not 'half'"):
        LRP(encoder.graph, dtype="half")
    with pytest.raises(UsageError, match="low= must be less than high=, not 1 and 0"):
        LRP(encoder.graph, low=1, high=0)
    with pytest.raises(UsageError, match="from_keras"):
        LRP(encoder.model)
    with pytest.raises(UsageError, match="wrt= must be one of image"):
        LRP(encoder.graph, wrt="z")
