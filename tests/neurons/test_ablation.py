import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.neurons.conftest import CLASSES, LATENTS
from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.neurons import (
    AccuracyDrop,
    ImageChange,
    ScoreDrop,
    ScoreShift,
    VerdictDrop,
    ablate,
    layer_contributions,
)
from tfgenxai.targets import ClassLogit, Discriminator, Latent


def without(model, reader, unit):
    """A copy of the model in which nothing reads channel `unit` of the layer before `reader`."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    layer = copy.get_layer(reader)
    kernel, *rest = layer.get_weights()
    if isinstance(layer, keras.layers.Conv2DTranspose):
        kernel[:, :, :, unit] = 0.0  # (h, w, out, in)
    elif isinstance(layer, keras.layers.Conv2D):
        kernel[:, :, unit] = 0.0
    else:
        kernel[unit] = 0.0
    layer.set_weights([kernel, *rest])
    return copy


@pytest.mark.parametrize(
    "layer, reader, units", [("conv_0", "conv_1", 5), ("features", "scores", 6)]
)
def test_zeroing_is_what_zero_outgoing_weights_do(classifier, images, labels, layer, reader, units):
    graph, model = classifier.graph, classifier.model
    found = ablate(graph, images, layer, AccuracyDrop(), "zero", labels=labels, batch_size=5)
    drops = ablate(graph, images, layer, ScoreDrop(ClassLogit(labels)), "zero", labels=labels)
    assert found.values.shape == (units, 12, 1)
    before = model(images).numpy()
    for unit in range(units):
        after = without(model, reader, unit)(images).numpy()
        hits = (before.argmax(1) == labels).astype(int) - (after.argmax(1) == labels)
        np.testing.assert_array_equal(found.values[unit, :, 0], hits)
        own = (before - after)[np.arange(12), labels]
        np.testing.assert_allclose(drops.values[unit, :, 0], own, rtol=1e-4, atol=1e-6)
        frame = drops.frame()
        assert list(frame.columns) == ["all", *range(CLASSES)]
        assert frame.loc[unit, 2] == pytest.approx(own[labels == 2].mean(), rel=1e-3, abs=1e-6)
        assert frame.loc[unit, "all"] == pytest.approx(own.mean(), rel=1e-3, abs=1e-6)


def test_of_an_image_and_of_a_verdict(decoder, classifier, codes):
    graph, model = decoder.graph, decoder.model
    images = ablate(graph, codes, "up_0", ImageChange(), "zero", batch_size=5)
    verdicts = ablate(graph, codes, "up_0", VerdictDrop(classifier.graph), "zero")

    def judged(image):
        return tf.nn.softmax(classifier.model(image)).numpy()

    before = tf.sigmoid(model(codes)).numpy()
    seen = judged(before).argmax(axis=1)
    for unit in range(4):
        after = tf.sigmoid(without(model, "up_1", unit)(codes)).numpy()
        mse = ((before - after) ** 2).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(images.values[unit, :, 0], mse, rtol=1e-4, atol=1e-8)
        lost = (judged(before) - judged(after))[np.arange(12), seen]
        np.testing.assert_allclose(verdicts.values[unit, :, 0], lost, rtol=1e-3, atol=1e-6)


def test_of_latent_means(encoder, images):
    graph, model = encoder.graph, encoder.model
    found = ablate(graph, images, "conv_0", ScoreShift(Latent.all()), "mean", units=[2, 0])
    maps = keras.Model(model.input, model.get_layer("conv_0").output)(images).numpy()
    before = model(images).numpy()
    kernel, bias = model.get_layer("mu").get_weights()
    for place, unit in enumerate((2, 0)):
        changed = maps.copy()
        changed[..., unit] = maps[..., unit].mean(axis=0)
        after = changed.reshape(12, -1) @ kernel + bias
        np.testing.assert_allclose(found.values[place], np.abs(before - after), atol=1e-5)
    frame = found.frame()
    assert list(frame.columns) == ["all", "z0", "z1", "z2"] and list(frame.index) == [2, 0]
    assert frame.loc[0, "z1"] == pytest.approx(found.values[1, :, 1].mean(), rel=1e-5)
    # Linear from the layer on: what the gradient predicts is what happens.
    np.testing.assert_allclose(found.predicted, found.values, atol=1e-5)
    assert found.rank_correlation == pytest.approx(1.0)


def test_resampling_puts_in_another_sample(decoder, codes):
    graph = decoder.graph
    maps = graph.function("z", "up_0")(codes).numpy()
    tail = graph.function("up_0", "image")
    found = ablate(graph, codes, "up_0", ImageChange(), "resample", units=[1], seed=3)
    before = tail(maps).numpy()
    changes = np.zeros((12, 12))
    for i in range(12):
        mixed = np.repeat(maps[i : i + 1], 12, axis=0)
        mixed[..., 1] = maps[..., 1]
        changes[i] = ((tail(mixed).numpy() - before[i]) ** 2).mean(axis=(1, 2, 3))
    sources = [int(np.abs(changes[i] - found.values[0, i, 0]).argmin()) for i in range(12)]
    for i, source in enumerate(sources):
        assert changes[i, source] == pytest.approx(found.values[0, i, 0], rel=1e-3, abs=1e-9)
    again = ablate(graph, codes, "up_0", ImageChange(), "resample", units=[1], seed=3)
    np.testing.assert_array_equal(again.values, found.values)


def test_gradient_times_activation_of_a_logit(classifier, images):
    graph = classifier.graph
    found = ablate(graph, images, "conv_1", ScoreDrop(ClassLogit(2)), "zero", batch_size=5)
    model = classifier.model
    maps = tf.constant(keras.Model(model.input, model.get_layer("conv_1").output)(images))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        y = tf.reshape(maps, (12, -1))
        logit = model.get_layer("scores")(model.get_layer("features")(y))[:, 2]
    expected = (tape.gradient(logit, maps) * maps).numpy().sum(axis=(1, 2))
    np.testing.assert_allclose(found.predicted[:, :, 0], expected.T, rtol=1e-3, atol=1e-6)


def test_projections_estimate_the_first_order_change_of_an_image(decoder, codes):
    ablator = ablate(decoder.graph, codes, "up_0", ImageChange(), "zero")
    maps = tf.constant(decoder.graph.function("z", "up_0")(codes))
    tail = decoder.graph.function("up_0", "image")
    with tf.GradientTape() as tape:
        tape.watch(maps)
        image = tf.reshape(tail(maps), (12, 64))
    jacobian = tape.batch_jacobian(image, maps).numpy()
    moved = (jacobian * maps.numpy()[:, None]).sum(axis=(2, 3))
    exact = (moved**2).mean(axis=1).mean(axis=0)
    # 16 projections of each of 12 samples: the error of the mean is about sqrt(2 / 192).
    np.testing.assert_allclose(ablator.predicted.mean(axis=(1, 2)), exact, rtol=0.4)


def test_the_lower_part_runs_once(decoder, codes, monkeypatch):
    from tfgenxai.graph.cut import Cut

    ran = []
    call = Cut.__call__
    monkeypatch.setattr(Cut, "__call__", lambda cut, *v: ran.append(cut.feeds) or call(cut, *v))
    ablate(decoder.graph, codes, "up_0", ImageChange(), batch_size=12)
    assert [feeds for feeds in ran if "z" in feeds] == [("z",)]


def test_a_whole_layer_by_its_mean_leaves_a_constant(decoder, codes):
    graph = decoder.graph
    frame = layer_contributions(graph, codes, ImageChange(), draws=3, batch_size=5)
    assert list(frame["layer"]) == ["dense", "up_0"]  # up_1 has one channel, maps only reshapes
    before = graph.function("z", "image")(codes).numpy()
    for row in frame.to_dict("records"):
        values = graph.function("z", row["layer"])(codes).numpy()
        constant = graph.function(row["layer"], "image")(values.mean(axis=0, keepdims=True))
        mse = ((before - constant.numpy()) ** 2).mean(axis=(1, 2, 3))
        assert row["whole"] == pytest.approx(mse.mean(), rel=1e-4)
        assert row["whole_low"] <= row["whole"] <= row["whole_high"]
        assert row["ablated"] == row["units"] // 2
        assert row["share_of_whole"] == pytest.approx(row["random"] / row["whole"])
    again = layer_contributions(graph, codes, ImageChange(), draws=3)
    np.testing.assert_allclose(again["random"], frame["random"], rtol=1e-4)


def test_the_strongest_units_matter_more_than_random_ones_where_few_matter():
    from tests.neurons.conftest import code_spec, freeze

    scale = np.array([5.0, 0.1, 0.1, 0.1, 4.0, 0.1, 0.1, 0.1], np.float32)
    kernel = np.random.default_rng(0).standard_normal((LATENTS, 8)).astype(np.float32)

    def net(z):
        return {"logits": tf.matmul(z, kernel, name="hidden") @ scale[:, None]}

    graph = freeze(net, code_spec())
    z = np.random.default_rng(1).standard_normal((40, LATENTS)).astype(np.float32)
    effect = ScoreShift(Discriminator())
    (row,) = layer_contributions(graph, z, effect, layers=["hidden"], share=0.25, draws=20).to_dict(
        "records"
    )
    deviation = (z @ kernel) - (z @ kernel).mean(axis=0)
    planted = np.abs(deviation[:, [0, 4]] @ scale[[0, 4]]).mean()
    assert row["ablated"] == 2 and row["strongest"] == pytest.approx(planted, rel=1e-4)
    assert row["random"] < row["strongest_low"]


def test_errors(classifier, encoder, decoder, images, labels, codes):
    graph = classifier.graph
    with pytest.raises(LayerNotFoundError, match="conv_1"):
        ablate(graph, images, "conv_11", AccuracyDrop(), labels=labels)
    with pytest.raises(UsageError, match="needs the classes"):
        ablate(graph, images, "conv_1", AccuracyDrop())
    with pytest.raises(UsageError, match="run from 0 to 3"):
        ablate(graph, images, "conv_1", AccuracyDrop(), labels=labels, units=[4])
    with pytest.raises(UsageError, match="'zero', 'mean' or 'resample'"):
        ablate(graph, images, "conv_1", AccuracyDrop(), "noise", labels=labels)
    with pytest.raises(UsageError, match="is none"):
        ablate(graph, images, "conv_1", ClassLogit(1))
    with pytest.raises(UsageError, match="random draws"):
        ablate(encoder.graph, images, "conv_0", ScoreShift(Latent.all(at="sample")))
    with pytest.raises(InvalidInputError, match="whole numbers"):
        ablate(graph, images, "conv_1", AccuracyDrop(), labels=labels[:4])
    with pytest.raises(UsageError, match="does not depend on layer"):
        ablate(graph, images, "Softmax", ScoreDrop(ClassLogit(0)))
    with pytest.raises(UsageError, match="share="):
        layer_contributions(decoder.graph, codes, ImageChange(), share=1.0)
    with pytest.raises(InvalidInputError, match="four samples"):
        layer_contributions(decoder.graph, codes[:3], ImageChange())
