"""The experiments on variational clusters: planted classifiers whose answers are known."""

import numpy as np
import pandas
import pytest
import tensorflow as tf

from tfgenxai.compare import clusters_mask, clusters_orders, clusters_reveal
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError
from tfgenxai.graph import Graph

SIDE, CLASSES = 8, 4
WEIGHTS = np.random.default_rng(0).normal(size=(SIDE * SIDE, CLASSES)).astype(np.float32)


@pytest.fixture(scope="module")
def graph():
    def classify(image):
        logits = tf.reshape(image, (-1, SIDE * SIDE)) @ WEIGHTS
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    spec = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="image")
    return Graph.from_function(
        tf.function(classify, input_signature=[spec]).get_concrete_function()
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((6, SIDE, SIDE, 1), dtype=np.float32)


def softmax(image):
    logits = image.reshape(-1) @ WEIGHTS
    return np.exp(logits) / np.exp(logits).sum()


def test_ranks_are_places_in_the_order_of_falling_values():
    maps = np.random.default_rng(2).normal(size=(2, 4, 6))
    found = clusters_orders.ranks(maps, 0)
    for n in range(2):
        assert [*maps[n].ravel()[np.argsort(found[n])]] == sorted(maps[n].ravel(), reverse=True)
    cells = clusters_orders.ranks(maps, 0, 2).reshape(2, 4, 6)
    means = maps.reshape(2, 2, 2, 3, 2).mean(axis=(2, 4))
    for n, y, x in np.ndindex(2, 4, 6):
        assert cells[n, y, x] == (means[n] > means[n, y // 2, x // 2]).sum()


def test_equal_values_go_in_random_order():
    flat = clusters_orders.ranks(np.zeros((3, 10, 10)), 5)
    assert (np.sort(flat, axis=1) == np.arange(100)).all()
    assert np.abs(np.corrcoef(flat) - np.eye(3)).max() < 0.35
    np.testing.assert_array_equal(flat, clusters_orders.ranks(np.zeros((3, 10, 10)), 5))


def test_what_is_revealed_is_the_first_n_on_black(graph, images):
    classes = np.array([softmax(image).argmax() for image in images])
    np.testing.assert_array_equal(clusters_orders.predicted(graph, images), classes)
    maps = {"one": np.random.default_rng(3).normal(size=images.shape[:3])}
    found = clusters_orders.revealed(graph, images, classes, maps, counts=(5, 12))
    pixels, share, cells = clusters_orders.UNITS
    for n, image in enumerate(images):
        values = maps["one"][n]
        means = values.reshape(4, 2, 4, 2).mean(axis=(1, 3)).repeat(2, 0).repeat(2, 1)
        for place, count in enumerate((5, 12)):
            for unit, by, most in (
                (pixels, values, count),
                (share, values, round(count / 100 * 64)),
                (cells, means, 4 * count),
            ):
                least = np.sort(by.ravel())[-most]
                shown = np.where(by >= least, image[..., 0], 0)
                expected = softmax(shown)[classes[n]]
                assert found["one", unit][n, place] == pytest.approx(expected, rel=1e-4)


def test_gaps_are_paired():
    names = [clusters_orders.HIGHEST, clusters_orders.LOWEST]
    names = [*names, *(name + clusters_orders.PIXELS for name in names)]
    names += [clusters_orders.RANDOM, clusters_orders.GRADIENT, clusters_orders.INK]
    rng = np.random.default_rng(4)
    noise = rng.random((20, 8))
    found = {(name, unit): noise for name in names for unit in clusters_orders.UNITS}
    found[clusters_orders.HIGHEST, "pixels"] = noise + 0.01
    rows = pandas.DataFrame(clusters_orders.gaps(found))
    one = rows[(rows.order == clusters_orders.HIGHEST) & (rows.unit == "pixels")]
    assert (one[["gap", "gap_low", "gap_high"]].sub(0.01).abs() < 1e-12).all().all()
    others = rows.drop(one.index)
    assert (others.gap == 0).all()
    said = clusters_reveal.words(
        {"digits": 20, "gaps": rows.to_dict("records"), "insertion": {"a": {"area": 0.5}}}
    )
    assert "does not hold" in said[0] and "random: above in 8, below in 0 of 24" in said[0]


def test_the_part_on_revealed_sites_makes_its_page(graph, images):
    page = Comparison("page")
    numbers = clusters_reveal.reveal_part(page, graph, images, steps=1)
    assert page.results["reveal"] is numbers and len(page.findings) == 3
    assert set(page.figures) == {"reveal", "reveal-sites"}
    table = page.frames["reveal-2"].set_index("n")
    # All 16 cells are shown from n = 20 on: the probability of the whole image.
    whole = np.mean([softmax(image).max() for image in images])
    for order in (clusters_orders.HIGHEST, clusters_orders.RANDOM, clusters_orders.INK):
        assert table.loc[20, order] == pytest.approx(whole, rel=1e-4)
    notes = page.frames["reveal-notes"]
    assert notes.loc[0, "notes"] == "0.666 / 0.646" and notes.loc[7, "digit"] == 8
    assert (page.frames["reveal-insertion"]["area"] > 0).all()


@pytest.fixture(scope="module")
def data():
    """Sixteen images of three classes, each a bright block of its own on black."""
    rng = np.random.default_rng(5)
    labels = np.arange(48) % 3
    pictures = np.zeros((48, SIDE, SIDE, 1), np.float32)
    for n, label in enumerate(labels):
        pictures[n, 2 * label : 2 * label + 2] = 0.9 + 0.1 * rng.random((2, SIDE, 1))
    return ImageData("blocks", "test", np.uint8(255 * pictures), "drawn", "planted", labels)


def test_measures_of_a_mask_are_counts(graph, data):
    images, labels = data.images[:6], np.asarray(data.labels[:6])
    masks = images[..., 0] > 0.5
    masks[:, 0, 0] = True
    masks[0] = False
    row = clusters_mask.measured(graph, images, labels, np.full(masks.shape, 0.2), masks, 0)
    assert row["has a mask"] == pytest.approx(5 / 6) and row["lowest C"] == 0.2
    assert row["ink covered"] == pytest.approx(5 / 6)
    is_ink = [(m & (i[..., 0] > 0.5)).sum() / m.sum() for m, i in zip(masks[1:], images[1:])]
    assert row["is ink"] == pytest.approx(np.mean(is_ink))
    for name, shown in {
        "all": images,
        "mask": images * masks[..., None],
        "without mask": images * ~masks[..., None],
    }.items():
        expected = np.mean([softmax(i)[label] for i, label in zip(shown, labels)])
        assert row[f"shown: {name}"] == pytest.approx(expected, rel=1e-4)


def test_the_part_on_masks_finds_planted_blocks(graph, data, monkeypatch):
    two = (clusters_mask.DERIVED, "with the notes' tanh")  # each has to be compiled
    monkeypatch.setattr(clusters_mask, "MODELS", {m: clusters_mask.MODELS[m] for m in two})
    page = Comparison("page")
    numbers = clusters_mask.mask_part(page, graph, data[:24], data[24:], per_class=4, tested=2)
    rows = {row["model"]: row for row in numbers["models"]}
    assert tuple(rows) == two and numbers["images"] == 6
    assert rows[two[0]]["ink covered"] > 0.9 and rows[two[0]]["is ink"] == 1.0
    assert rows[two[1]]["has a mask"] == 0.0 and rows[two[1]]["lowest C"] > 0.119
    assert "fires: as derived in" in page.findings[0] and "mask" in page.figures
    with pytest.raises(InvalidInputError, match="99 images of every class; one has 8"):
        clusters_mask.by_class(data[:24], np.arange(3), 99)
