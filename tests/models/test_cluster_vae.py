"""The mixture prior: its objective term by term, how clusters start, and draws of one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.special import softmax

from tfgenxai.errors import UsageError
from tfgenxai.models.cluster_vae import ClusterVAE, _Phases
from tfgenxai.training.dataset import training_batches
from tfgenxai.variational.cavi import GaussianMixture, Posterior


@pytest.fixture(autouse=True)
def simple_codes(monkeypatch):
    """Clusters as plain as here are found without the neighbour graph, which takes seconds."""
    monkeypatch.setattr("tfgenxai.variational.start.neighbour_layout", lambda codes, seed: codes)


def small(latent_dim=3, **options):
    keras.utils.set_random_seed(2)
    options = {"clusters": 4, "hidden": (8,), "moves": False} | options
    model = ClusterVAE(latent_dim, **options)
    model.compile(optimizer=keras.optimizers.Adam(0.01), jit_compile=False)
    return model


def test_every_term_is_the_sum_by_definition(binary, rng):
    model = small(seed=3)
    for weight in model.weights:
        if weight.trainable:  # biases start at 0, where a mistake would not show
            weight.assign_add(0.1 * rng.standard_normal(weight.shape))
    mean, logvar = (part.numpy().astype(np.float64) for part in model.encode(binary))
    centres = model.means.numpy().astype(np.float64)
    z = mean + np.exp(logvar / 2) * model.noise((5, 3)).numpy()
    probability = 1 / (1 + np.exp(-model.decode(z.astype(np.float32)).numpy().astype(np.float64)))
    reconstruction = -stats.bernoulli.logpmf(binary, probability).sum(axis=(1, 2, 3))
    to_each = np.zeros((5, 4))
    for n in range(5):
        for c in range(4):
            for j in range(3):
                m, s2 = mean[n, j] - centres[c, j], np.exp(logvar[n, j])
                to_each[n, c] += 0.5 * (m**2 + s2 - 1 - np.log(s2))
    phi = softmax(-to_each, axis=1)
    kl = (phi * to_each).sum(axis=1)
    cluster_kl = (phi * np.log(4 * phi)).sum(axis=1)

    values = {k: v.numpy() for k, v in model.losses(tf.constant(binary), None).items()}
    assert values["reconstruction"] == pytest.approx(reconstruction.mean(), rel=1e-5)
    assert values["kl"] == pytest.approx(kl.mean(), rel=1e-4)
    assert values["cluster_kl"] == pytest.approx(cluster_kl.mean(), rel=1e-4)
    assert values["elbo"] == pytest.approx(-(reconstruction + kl + cluster_kl).mean(), rel=1e-5)
    assert values["loss"] == pytest.approx(-values["elbo"], rel=1e-6)
    # No other q(c|x) makes the objective lower.
    for other in rng.dirichlet(np.ones(4), (50, 5)):
        assert ((other * (to_each + np.log(4 * other))).sum(axis=1) >= kl + cluster_kl - 1e-9).all()


def test_cluster_probabilities_are_the_update_of_coordinate_ascent(binary, rng):
    model = small(clusters=5)
    mean, _ = model.encode(binary)
    posterior = Posterior(model.means.numpy(), np.full(5, 0.3))
    expected = GaussianMixture(5).update_assignments(mean.numpy(), posterior)
    found = tf.nn.softmax(model.cluster_logits(mean))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_prior_is_the_mixture(rng):
    model = small(2, clusters=3)
    model.means.assign([[-40.0, 0.0], [0.0, 40.0], [40.0, 0.0]])
    eps = rng.standard_normal((30_000, 2)).astype(np.float32)
    z = model.prior(tf.constant(eps)).numpy()
    cluster = np.abs(z[:, None] - model.means.numpy()).sum(axis=2).argmin(axis=1)
    shares = np.bincount(cluster, minlength=3) / len(z)
    np.testing.assert_allclose(shares, 1 / 3, atol=4 * np.sqrt(2 / 9 / len(z)))
    offsets = z - model.means.numpy()[cluster]
    for c in range(3):
        for column in offsets[cluster == c].T:
            assert stats.kstest(column, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 4 / np.sqrt(len(z))
    far = model.prior(tf.constant([[-30.0, 0.0], [30.0, 0.0]])).numpy()
    assert np.isfinite(far).all()


def test_pretraining_restores_alone_and_the_clusters_start_without_a_change_of_images(rng):
    model = small(2, clusters=3, hidden=(), pretraining=1)
    images = three_kinds(rng, 120)[0]
    first = model.losses(tf.constant(images), None, training=True)
    assert first["loss"].numpy() == first["reconstruction"].numpy()
    restored = model(images).numpy()
    np.testing.assert_allclose(
        first["reconstruction"],
        keras.losses.binary_crossentropy(images.reshape(120, -1), restored.reshape(120, -1))
        .numpy()
        .mean()
        * 784,
        rtol=1e-4,
    )
    model.start_mixture(images)
    assert model.mixture.numpy() == 1
    np.testing.assert_allclose(model(images), restored, atol=1e-4)
    mean = model.encode(images)[0].numpy()
    nearest = model.cluster_logits(tf.constant(mean)).numpy().argmax(axis=1)
    for c in range(3):  # a mean is that of its codes, and codes are round about it
        np.testing.assert_allclose(mean[nearest == c].mean(axis=0), model.means[c], atol=0.5)
    offsets = mean - model.means.numpy()[nearest]
    np.testing.assert_allclose(np.diag(offsets.T @ offsets / len(mean)), 1, atol=0.4)


def three_kinds(rng, count):
    """Binary images with a bright band in one of three places, and which one."""
    kind = np.arange(count) % 3
    probability = np.full((count, 28, 28, 1), 0.05)
    for n, k in enumerate(kind):
        probability[n, 8 * k + 2 : 8 * k + 8] = 0.6
    return (rng.random(probability.shape) < probability).astype(np.float32), kind


def batches(model, images, epochs):
    pixels = (images * 255).astype(np.uint8)
    return training_batches(pixels, None, model.prepare, batch_size=30, seed=1, epochs=epochs)


def test_a_linear_model_finds_the_clusters_that_coordinate_ascent_finds(rng):
    images, kind = three_kinds(rng, 240)
    model = small(2, clusters=3, hidden=(), pretraining=4)
    model.fit(batches(model, images, range(12)), epochs=12, steps_per_epoch=8, verbose=0)
    mean = model.encode(images)[0].numpy()
    network = model.cluster_logits(tf.constant(mean)).numpy().argmax(axis=1)
    oracle = GaussianMixture(3, prior_variance=100.0).fit(mean, seed=0).assignments
    pairs = {(int(a), int(b)) for a, b in zip(network, oracle, strict=True)}
    assert len(pairs) == 3 and len({(int(a), int(b)) for a, b in zip(network, kind)}) == 3


def test_clusters_start_from_the_same_images_however_often_training_was_resumed(rng, monkeypatch):
    images, _ = three_kinds(rng, 60)
    seen = []
    monkeypatch.setattr(ClusterVAE, "start_mixture", lambda model, images: seen.append(images))
    for first in (0, 1, 2):
        phases = _Phases(batches(small(pretraining=2), images, range(first, 4)))
        phases.set_model(small(pretraining=2))
        phases.set_params({"epochs": 4, "steps": 2})
        for epoch in range(first, 4):
            phases.on_epoch_begin(epoch)
    assert len(seen) == 3 and seen[0].shape == (60, 28, 28, 1)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])


def test_training_that_would_end_without_clusters_is_refused(rng):
    phases = _Phases(tf.data.Dataset.range(1))
    phases.set_model(small(pretraining=2))
    phases.set_params({"epochs": 2, "steps": 1})
    with pytest.raises(UsageError, match="join after 2 epochs, and training ends after 2"):
        phases.on_train_begin()


@pytest.mark.parametrize("over", ["posterior", "prior"])
def test_hold_weighs_the_change_of_the_generator_since_the_epoch_began(binary, over):
    plain, held = small(seed=5), small(hold=2.0, hold_over=over, seed=5)
    images = tf.constant(binary)
    held.decoder.get_layer("decoder_dense_1").bias.assign_add(np.linspace(0, 1, 784))
    plain.set_weights(held.get_weights())
    # Before the first epoch there is nothing to hold.
    assert held.losses(images, None, training=True)["drift"].numpy() == 0
    held.remember()
    assert held.losses(images, None, training=True)["drift"].numpy() == 0
    before = [weight.numpy() for weight in held.decoder.weights]
    for model in (plain, held):
        model.decoder.get_layer("decoder_dense_1").bias.assign_add(np.linspace(-1, 1, 784))
    mean, logvar = held.encode(images)
    z = mean + tf.exp(logvar / 2) * held.noise((5, 3))
    if over == "prior":
        z = held.prior(held.noise((5, 3), draw=2))
    now = held.decode(z, apply_sigmoid=True).numpy()
    hidden = np.maximum(z.numpy() @ before[0] + before[1], 0)
    then = 1 / (1 + np.exp(-(hidden @ before[2] + before[3])))
    drift = np.mean(np.sum((now.reshape(5, -1) - then) ** 2, axis=1))
    with tf.GradientTape() as tape:
        found = held.losses(images, None, training=True)
    assert found["drift"].numpy() == pytest.approx(drift, rel=1e-4)
    loss = plain.losses(images, None, training=True)["loss"].numpy()
    assert found["loss"].numpy() == pytest.approx(loss + 2 * drift, rel=1e-5)
    assert all(g is not None for g in tape.gradient(found["loss"], held.decoder.weights))
    held.remember()
    assert held.losses(images, None, training=True)["drift"].numpy() == 0


def test_signatures_agree_with_the_model(binary):
    model = small()
    signatures = model.export_signatures()
    assert set(signatures) >= {"encode", "decode", "reconstruct", "sample", "cluster", "prior"}
    found = signatures["cluster"](tf.constant(binary))
    np.testing.assert_allclose(tf.reduce_sum(found["probabilities"], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(found["logits"]), atol=1e-6)
    eps = tf.random.normal((6, 3))
    drawn = signatures["draw_cluster"](cluster=tf.constant([0, 1, 2, 3, 0, 1], tf.int64), eps=eps)
    np.testing.assert_allclose(drawn["z"][4] - eps[4], model.means[0], atol=1e-6)
    np.testing.assert_allclose(drawn["image"], model.decode(drawn["z"], True), atol=1e-6)
    np.testing.assert_allclose(signatures["prior"](eps)["z"], model.prior(eps), atol=1e-6)
    assert signatures["sample"](tf.constant(7))["image"].shape == (7, 28, 28, 1)
    assert model.sample(eps).shape == (6, 28, 28, 1)


def test_settings_that_make_no_model_are_refused():
    for wrong in ({"clusters": 0}, {"hold": -1.0}, {"hold_over": "images"}, {"pretraining": -1}):
        with pytest.raises(UsageError, match="hold_over is one of posterior, prior"):
            ClusterVAE(2, **wrong)
