import numpy as np
import pytest
import tensorflow as tf

from tests.neurons.conftest import LATENTS, SIDE, code_spec, freeze, image_spec
from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.neurons import layer_energy, maximise
from tfgenxai.targets import ClassLogit, Latent, Output, Pixels, Unit

WEIGHTS = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def linear():
    """Four units z W."""
    return freeze(lambda z: {"units": tf.matmul(z, WEIGHTS, name="hidden")}, code_spec(5))


def test_a_linear_unit_goes_to_the_corner_of_its_weights_signs(linear):
    found = maximise(linear, Output("units"), bound=1.5, restarts=3, steps=150)
    corners = 1.5 * np.sign(WEIGHTS.T)
    np.testing.assert_allclose(found.codes, np.repeat(corners[:, None], 3, axis=1), atol=1e-5)
    best = 1.5 * np.abs(WEIGHTS).sum(axis=0)
    np.testing.assert_allclose(found.scores, np.repeat(best[:, None], 3, axis=1), rtol=1e-5)
    np.testing.assert_allclose(found.agreement, 1.0, atol=1e-6)
    assert found.target_names == ("units[0]", "units[1]", "units[2]", "units[3]")


def test_within_a_radius_it_goes_along_its_weights(linear):
    found = maximise(linear, Output("units", 2), bound=9.0, radius=2.0, steps=300)
    along = WEIGHTS[:, 2] / np.linalg.norm(WEIGHTS[:, 2])
    np.testing.assert_allclose(found.best_codes[0], 2.0 * along, atol=0.02)
    assert np.linalg.norm(found.codes, axis=-1).max() <= 2.0 + 1e-5


def test_decay_gives_the_optimum_of_the_penalised_objective(linear):
    # max w.z - c |z|^2 / 2 is at w / c.
    found = maximise(linear, Output("units"), bound=9.0, decay=2.0, steps=400, restarts=2)
    expected = np.repeat(WEIGHTS.T[:, None] / 2.0, 2, axis=1)
    np.testing.assert_allclose(found.codes, expected, atol=5e-3)
    exact = (WEIGHTS**2).sum(axis=0) / 2.0  # without the penalty
    np.testing.assert_allclose(found.scores[:, 0], exact, rtol=0.01)


def test_a_concave_energy_has_its_peak_inside():
    peak = np.array([0.5, -1.0, 2.0], np.float32)
    graph = freeze(lambda z: {"y": -tf.reduce_sum((z - peak) ** 2, 1, keepdims=True)}, code_spec())
    found = maximise(graph, Output("y", 0), steps=400, restarts=4)
    np.testing.assert_allclose(found.codes[0], np.repeat(peak[None], 4, axis=0), atol=5e-3)
    clipped = maximise(graph, Output("y", 0), bound=(-0.5, 1.0), steps=300, restarts=1)
    np.testing.assert_allclose(clipped.codes[0, 0], [0.5, -0.5, 1.0], atol=5e-3)


@pytest.mark.parametrize(
    "target",
    [Unit("up_0", 1), Unit("up_0", 2, 1, 3), layer_energy("up_0"), Pixels(np.eye(SIDE))],
    ids=["channel", "neuron", "layer", "pixels"],
)
def test_scores_are_what_the_graph_gives_and_beat_chance(decoder, target):
    found = maximise(decoder.graph, target, steps=60, restarts=4)
    codes = found.codes.reshape(-1, LATENTS)
    maps, image = decoder.graph.function("z", ["up_0", "image"])(codes)
    maps, image = maps.numpy(), image.numpy()
    expected = {
        "up_0[1]": maps[..., 1].mean(axis=(1, 2)),
        "up_0[1, 3, 2]": maps[:, 1, 3, 2],
        "up_0 energy": (maps**2).mean(axis=(1, 2, 3)),
        "masked pixels": np.einsum("nyyc->n", image),
    }[found.target_names[0]]
    np.testing.assert_allclose(found.scores[0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.images[0], image, atol=1e-6)
    assert np.abs(codes).max() <= 2.5
    assert found.scores.max() >= found.random_best[0]
    assert found.history.shape == (61, 1, 4) and found.random_count == 4 * (61 + 16)
    # Without shift and penalty, the best on the way is what is kept.
    np.testing.assert_allclose(found.scores[0], found.history[:, 0].max(axis=0), rtol=1e-4)


def test_a_family_is_its_members_and_a_seed_is_a_result(decoder):
    family = maximise(decoder.graph, Unit("up_0", (3, 1)), steps=20, restarts=2, seed=5)
    again = maximise(decoder.graph, Unit("up_0", (3, 1)), steps=20, restarts=2, seed=5)
    np.testing.assert_array_equal(family.codes, again.codes)
    other = maximise(decoder.graph, Unit("up_0", (3, 1)), steps=20, restarts=2, seed=6)
    assert np.abs(family.codes - other.codes).max() > 1e-3
    for place, channel in enumerate((3, 1)):
        one = maximise(decoder.graph, Unit("up_0", channel), steps=20, restarts=2, seed=5)
        np.testing.assert_allclose(one.codes[0], family.codes[place], atol=1e-4)


def test_images_stay_in_range_and_a_reference_is_the_control(classifier, images):
    graph = classifier.graph
    found = maximise(graph, ClassLogit(1), steps=30, restarts=2, jitter=2, reference=images)
    assert found.codes.min() >= 0.0 and found.codes.max() <= 1.0
    assert found.codes.shape == (1, 2, SIDE, SIDE, 1) and found.images is None
    logits = classifier.model(images).numpy()[:, 1]
    assert found.random_best[0] == pytest.approx(logits.max(), abs=1e-5)
    assert found.random_count == 12
    np.testing.assert_allclose(found.typical[:, 0], logits, atol=1e-5)
    best = found.scores.max()
    assert found.quantiles[0] == pytest.approx((logits < best).mean())
    assert found.gains[0] == pytest.approx((best - logits.max()) / logits.std(), rel=1e-4)
    row = found.table().iloc[0]
    assert row["norm"] == pytest.approx(np.linalg.norm(found.best_codes[0] - 0.5), rel=1e-5)
    norms = np.linalg.norm(images.reshape(12, -1) - 0.5, axis=1)
    assert row["norm_quantile"] == pytest.approx((norms < row["norm"]).mean())


def test_agreement_is_the_mean_cosine_of_pairs(decoder):
    found = maximise(decoder.graph, Unit("up_0", 0), steps=2, restarts=3)
    a = found.codes[0].astype(np.float64)
    cosines = [
        a[i] @ a[j] / np.linalg.norm(a[i]) / np.linalg.norm(a[j])
        for i in range(3)
        for j in range(3)
        if i != j
    ]
    assert found.agreement[0] == pytest.approx(np.mean(cosines))
    assert np.isnan(maximise(decoder.graph, Unit("up_0", 0), steps=1, restarts=1).agreement[0])


def test_other_inputs_stay_as_they_are_given():
    def conditional(z, label):
        return {"y": z * tf.cast(label, tf.float32)[:, None]}

    graph = freeze(conditional, code_spec(2), tf.TensorSpec((None,), tf.int32, name="label"))
    for label, corner in ((3, 2.5), (-1, -2.5)):
        found = maximise(graph, Output("y", 0), fixed={"label": label}, restarts=2)
        np.testing.assert_allclose(found.codes[0, :, 0], corner, atol=1e-5)
    with pytest.raises(UsageError, match="label"):
        maximise(graph, Output("y", 0))


def test_errors(decoder, encoder, classifier, images):
    graph = decoder.graph
    with pytest.raises(LayerNotFoundError, match="up_0"):
        maximise(graph, Unit("up0", 1))
    with pytest.raises(UsageError, match="run from 0 to 3"):
        maximise(graph, Unit("up_0", 4))
    with pytest.raises(UsageError, match="bound"):
        maximise(graph, Unit("up_0", 1), bound=-1.0)
    with pytest.raises(UsageError, match="radius"):
        maximise(graph, Unit("up_0", 1), radius=0.0)
    with pytest.raises(UsageError, match="jitter"):
        maximise(graph, Unit("up_0", 1), jitter=2)
    with pytest.raises(UsageError, match="at least 1"):
        maximise(graph, Unit("up_0", 1), steps=0)
    with pytest.raises(UsageError, match="random draws"):
        maximise(encoder.graph, Latent(0, at="sample"))
    with pytest.raises(UsageError, match="same for all"):
        maximise(classifier.graph, ClassLogit([0, 1]))
    with pytest.raises(UsageError, match="is none"):
        maximise(graph, "up_0")
    with pytest.raises(InvalidInputError, match="shape"):
        maximise(graph, Unit("up_0", 1), reference=images)


def test_a_unit_that_is_off_at_first_is_found_where_a_draw_turns_it_on():
    # On only beyond the first coordinate of 1: one draw of six.
    graph = freeze(lambda z: {"y": tf.nn.relu(z[:, :1] - 1.0)}, code_spec())
    found = maximise(graph, Output("y", 0), restarts=6, steps=60)
    np.testing.assert_allclose(found.scores, 1.5, atol=1e-5)


def test_picture_input_without_reference_draws_noise():
    kernel = np.ones((SIDE * SIDE, 1), np.float32)
    graph = freeze(lambda image: {"y": tf.reshape(image, (-1, SIDE * SIDE)) @ kernel}, image_spec())
    found = maximise(graph, Output("y", 0), restarts=1, steps=60)
    np.testing.assert_allclose(found.codes, 1.0, atol=1e-5)
    assert found.typical.mean() == pytest.approx(SIDE * SIDE / 2, rel=0.01)


def test_codes_of_a_prior_stay_within_what_it_draws():
    """y = 2 a - b + c, with a in (-1, 1) and b, c a one-hot pair: the best box corner is known."""
    eps = tf.TensorSpec((None, 3), tf.float32, "eps")
    prior = freeze(
        lambda eps: {
            "z": tf.concat([tf.math.erf(eps[:, :1]), tf.one_hot(tf.argmax(eps[:, 1:], 1), 2)], 1)
        },
        eps,
    )
    graph = freeze(lambda z: {"y": tf.reduce_sum(z * [[2.0, -1.0, 1.0]], 1, True)}, code_spec(3))
    found = maximise(graph, Output("y", 0), prior=prior, restarts=2, steps=120, seed=3)
    np.testing.assert_allclose(found.best_codes[0], [1, 0, 1], atol=1e-3)
    assert found.limits.low.shape == (3,)
    np.testing.assert_array_equal(found.limits.low[1:], 0)
    np.testing.assert_array_equal(found.limits.high[1:], 1)
    assert found.random_best[0] <= 3 and found.typical.min() > -3
    assert np.isfinite(found.table()[["norm", "norm_quantile"]].to_numpy()).all()
