"""Attention against attribution: parts against closed forms, and the whole on tiny models."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attention import attention_layer
from tfgenxai.compare import attention_judges, attention_words, attention_worth
from tfgenxai.compare.attention import Attention, compare_attention
from tfgenxai.compare.attention_gradients import pixel_gradients
from tfgenxai.compare.attention_material import DISCRIMINATOR, GENERATOR, Network
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import InvalidInputError, LayerNotFoundError
from tfgenxai.graph import Graph
from tfgenxai.models.layers import self_attention

layers = keras.layers


def freeze(function: Any, *specs: tf.TensorSpec) -> Graph:
    traced = tf.function(function, input_signature=list(specs))
    return Graph.from_function(traced.get_concrete_function())


def tiny_generator(side: int, gain: float, scale: int) -> Graph:
    """Codes (N, 4) to images of `scale` times `side`."""
    keras.utils.set_random_seed(side)
    z = keras.Input((4,))
    y = layers.Reshape((side, side + 1, 8))(layers.Dense(side * (side + 1) * 8)(z))
    y = self_attention(y, "look", pool_keys=False)
    y = layers.UpSampling2D(scale)(y)[:, :, : scale * side]
    model = keras.Model(z, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(y))
    model.get_layer("look_gain").set_weights([np.float32(gain)])
    spec = tf.TensorSpec((None, 4), tf.float32, name="z")
    return freeze(lambda z: {"image": model(z)}, spec)


def tiny_judge(gain: float) -> Graph:
    keras.utils.set_random_seed(5)
    x = keras.Input((28, 28, 1))
    y = layers.Conv2D(8, 4, 4, "same")(x)
    y = layers.LeakyReLU()(self_attention(y, "look"))
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(y)))
    model.get_layer("look_gain").set_weights([np.float32(gain)])
    spec = tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image")
    return freeze(lambda image: {"logits": model(image)}, spec)


def network(graph: Graph, part: str, inputs: dict[str, Any], gain: float = 0.0) -> Network:
    return Network("tiny", part, graph, inputs, attention_layer(graph), gain)


def test_gradients_of_pixels_against_differences() -> None:
    graph = tiny_generator(3, 5.0, 1)
    layer = attention_layer(graph)
    z = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    pixels = np.array([(0, 2), (2, 1)])
    through, past = pixel_gradients(graph, layer, {"z": z}, pixels)
    assert through.shape == past.shape == (2, 3, 4)
    step = 1e-2
    for n, (row, column) in enumerate(pixels):
        slopes = {}
        for name in (layer.block_input, layer.block_output):
            (at,) = graph.function("z", [name])(z[n : n + 1])
            moves = step * np.eye(96, dtype=np.float32).reshape(96, 3, 4, 8)
            run = graph.function(["z", name], "image")
            ends = [run(np.repeat(z[n : n + 1], 96, 0), at + m)[:, row, column, 0]
                    for m in (moves, -moves)]  # fmt: skip
            slopes[name] = ((ends[0] - ends[1]) / (2 * step)).numpy().reshape(3, 4, 8)
        whole, bypass = slopes.values()
        np.testing.assert_allclose(past[n], np.linalg.norm(bypass, axis=-1), atol=2e-4)
        np.testing.assert_allclose(through[n], np.linalg.norm(whole - bypass, axis=-1), atol=2e-4)
        assert through[n].max() > 1e-2


def test_agreement_with_itself_and_with_the_next_image() -> None:
    maps = np.random.default_rng(1).random((5, 28, 28))
    images = {"image": np.zeros((5, 28, 28, 1), np.float32)}
    (row,) = attention_judges.agreement_rows(
        network(tiny_judge(0.0), DISCRIMINATOR, images), maps, {"same": 3 * maps}
    )
    assert row["spearman"] == pytest.approx(1) and row["iou"] == 1
    assert abs(row["spearman_other"]) < 0.1 and row["iou_other"] < 0.15
    assert row["spearman_gain"] == pytest.approx(1 - row["spearman_other"])


def test_deletion_moves_a_linear_logit_as_its_weights_say() -> None:
    weights = np.random.default_rng(2).random((28 * 28, 1)).astype(np.float32)

    def judge(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": tf.reshape(image, (-1, 28 * 28)) @ weights}

    graph = freeze(judge, tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image"))
    images = np.random.default_rng(3).random((4, 28, 28, 1), dtype=np.float32)
    share = images[..., 0] * weights.reshape(28, 28)
    given = Network("linear", DISCRIMINATOR, graph, {"image": images}, None, None)  # type: ignore[arg-type]
    rows = attention_judges.deletion_rows(given, {"most": share, "least": -share}, 0)
    sizes = [round(k * 784 / 10) for k in range(11)]
    falling = -np.sort(-share.reshape(4, -1), axis=1)
    for row, order in zip(rows, (falling, falling[:, ::-1]), strict=True):
        gone = np.stack([order[:, :size].sum(axis=1) for size in sizes], axis=1)
        area = np.trapezoid(gone, np.array(sizes) / 784, axis=1)
        assert row["moved"] == pytest.approx(area.mean(), rel=1e-3)
    assert rows[0]["moved_gain_low"] > 0 > rows[1]["moved_gain_high"]


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Attention:
    models = {"tiny": {"generate": tiny_generator(7, 0.0, 4), "discriminate": tiny_judge(0.5)}}
    return compare_attention(subjects, size=8, models=models, progress=False)


@pytest.mark.shipped
def test_the_whole(found: Attention, tmp_path: Any) -> None:
    names = ["tiny generator", "tiny discriminator"]
    assert [network.name for network in found.networks] == names
    assert found.results["gains"] == dict(zip(names, (0.0, 0.5), strict=True))
    assert set(found.frames) == {
        "measures", "agreement", "deletion", "gradients", "images-without", "logits-without"
    }  # fmt: skip
    (drawn,) = found.frames["images-without"].to_dict("records")
    assert drawn["change"] == drawn["class_change"] == 0 < drawn["apart"]
    assert drawn["images"] == 64
    assert drawn["frechet"] == pytest.approx(drawn["frechet_without"])
    assert (found.frames["gradients"]["share"] == 0).all()
    (judged,) = found.frames["logits-without"].to_dict("records")
    assert judged["change"] > 0
    assert {"index", "measures", "without-tiny"} <= set(found.figures)
    methods = set(found.frames["agreement"]["method"])
    refused = {name.rpartition(", ")[2] for name in found.results["refused"]}
    assert methods | refused == set(attention_judges.METHODS)
    assert found.headline.endswith("change their images by 0 % of what two images differ.")
    text = found.save(tmp_path).read_text()
    assert all(name in text for name in names)
    assert not any("nan" in sentence.split() for sentence in found.findings)


@pytest.mark.shipped
def test_a_discriminator_without_attention_gains_nothing(subjects: Subjects) -> None:
    images = subjects.grey(9)
    row = attention_worth.logit_row(network(tiny_judge(0.0), DISCRIMINATOR, {"image": images}))
    assert (row["change"], row["verdict_change"], row["images"]) == (0, 0, 9)


@pytest.mark.shipped
def test_what_it_cannot_do(subjects: Subjects) -> None:
    with pytest.raises(InvalidInputError, match="at least 8 images"):
        compare_attention(subjects, size=7, models={}, progress=False)
    with pytest.raises(LayerNotFoundError, match="None of dcgan has self-attention"):
        compare_attention(subjects, size=8, models={"dcgan": subjects.gan}, progress=False)


def test_sentences_say_what_the_intervals_allow() -> None:
    row = {"network": "a judge", "moved": 1.0, "moved_low": 0.9, "moved_high": 1.1,
           "moved_random": 2.0}  # fmt: skip
    for low, high, words in ((-1, -0.5, "less than"), (-1, 1, "not surely"), (0.1, 2, "more than")):
        ends = {"moved_gain_low": low, "moved_gain_high": high}
        assert words in attention_words._deletion(row | ends)
    spread = {"entropy_share": 0.5, "entropy_share_low": 0.4, "entropy_share_high": 0.6,
              "chance": 0.1, "mass": 0.3}  # fmt: skip
    kinds = {"stroke": (0.1, 0.3), "background": (-0.2, -0.1), "all": (-0.1, 0.1)}
    said = attention_words._spread(
        "judge",
        [
            spread | {"queries": k, "mass_gain_low": low, "mass_gain_high": high}
            for k, (low, high) in kinds.items()
        ],
    )
    assert "stroke queries take 30 % from ink, surely more than chance" in said
    assert "background queries take 30 % from ink, surely less than chance (10 %)" in said
    rows = [
        {"method": m, "spearman": s, "spearman_other": 0.0, "spearman_gain_low": low}
        for m, s, low in (("good", 0.5, 0.1), ("unsure", 0.5, -0.1), ("negative", -0.1, 0.2))
    ]
    assert attention_words._agreement("judge", rows).endswith("and positive: good.")


def test_a_generator_is_explained_by_its_own_part() -> None:
    graph = tiny_generator(3, 0.5, 1)
    codes = {"z": np.zeros((5, 4), np.float32)}
    given = network(graph, GENERATOR, codes)
    assert given.first(2)["z"].shape == (2, 4) and given.name == "tiny generator"
