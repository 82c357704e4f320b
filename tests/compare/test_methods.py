"""The table of all methods: its numbers by other roads, ranks by hand, sentences from numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas
import pytest

import tfgenxai
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.methods import compare_methods
from tfgenxai.compare.methods_ranks import in_short, mean_ranks, sentence
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import UsageError
from tfgenxai.metrics.faithfulness import deletion
from tfgenxai.metrics.localisation import relevance_mass

pytestmark = pytest.mark.shipped
SIZE = 5


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Comparison:
    return compare_methods(subjects, size=SIZE, progress=False, only=("saliency", "lrp"))


@pytest.mark.slow
def test_a_row_for_each_method_that_can_explain_each_network(found: Comparison) -> None:
    for slug in ("classifier", "encoder", "discriminator", "decoder", "faces"):
        assert list(found.frames[slug]["method"]) == ["saliency", "lrp"]
        assert (found.frames[slug]["seconds_per_map"] > 0).all()
    assert "latent_deletion_gain" in found.frames["decoder"]
    assert "relevance_mass" not in found.frames["discriminator"]
    assert len(found.findings) == 6


@pytest.mark.slow
def test_numbers_are_those_of_the_maps(found: Comparison, subjects: Subjects) -> None:
    graph, images = subjects.classifier["classify"], subjects.grey(SIZE)
    target = tfgenxai.ClassLogit(subjects.labels(SIZE))
    maps = tfgenxai.LRP(graph)(images, target)
    row = found.frames["classifier"].set_index("method").loc["lrp"]
    expected = relevance_mass(maps, images[..., 0] > 0.5).mean()
    assert row["relevance_mass"] == pytest.approx(expected, rel=1e-5)
    # Everything removed, everything kept: the ends of a deletion curve are plain forward passes.
    logits = graph.function("image", "logits")
    whole = logits(images).numpy()[np.arange(SIZE), subjects.labels(SIZE)].mean()
    black = logits(np.zeros_like(images)).numpy()[np.arange(SIZE), subjects.labels(SIZE)].mean()
    assert min(whole, black) < row["deletion_control"] < max(whole, black)


def test_the_decoder_is_explained_through_the_classifier(subjects: Subjects) -> None:
    from tfgenxai.compare.cases import cases

    decoder = {case.slug: case for case in cases(subjects, None, size=3, seed=0)}["decoder"]
    image = subjects.vae["decode"].function("z", "image")(decoder.inputs)
    logits = subjects.classifier["classify"].function("image", "logits")(image).numpy()
    curve = deletion(decoder.graph, decoder.inputs, decoder.target, decoder.inputs, steps=1)
    np.testing.assert_allclose(
        curve.scores[:, 0], logits[np.arange(3), subjects.labels(3)], rtol=1e-4
    )


@pytest.mark.slow
def test_the_example_runs(
    found: Comparison, run_example: Callable[[str, Comparison], list[str]]
) -> None:
    assert any("insertion_gain" in line for line in run_example("which_method", found))


def test_ranks_by_hand() -> None:
    frame = pandas.DataFrame(
        {
            "method": ["a", "b", "c"],
            "insertion_gain": [3.0, 2.0, 1.0],  # a, b, c
            "infidelity": [0.3, 0.1, 0.2],  # b, c, a
            "gini": [0.0, 0.5, 1.0],  # describes, does not judge
        }
    )
    ranks = mean_ranks(frame)
    assert ranks.to_dict() == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.75})


def test_in_short() -> None:
    ranks = pandas.DataFrame({"a": [0.1, 0.2], "b": [0.4, 0.1], "c": [0.2, 0.3]}, ["lrp", "rise"])
    assert in_short(ranks) == (
        "No method is best on all networks: lrp ranks first on 2 of 3. Of those that explain all "
        "of them, rise has the best mean rank."
    )
    assert in_short(ranks[["a", "c"]]) == "lrp ranks first on all 2 networks."


def test_the_sentence_follows_the_numbers() -> None:
    frame = pandas.DataFrame(
        {
            "method": ["lrp", "rise"],
            "insertion_gain": [0.2, 2.0],
            "insertion_gain_low": [-0.1, 1.5],
            "insertion_gain_high": [0.5, 2.5],
            "seconds_per_map": [0.001, 0.2],
        }
    )
    said = sentence("A network", frame)
    assert "most faithful by insertion is rise (gain 2 [1.5, 2.5])" in said
    assert "not better than random order: lrp" in said
    assert "cheapest is lrp (1 ms a map)" in said
    frame["insertion_gain_low"] = [0.1, 1.5]
    assert "not better than random order: none" in sentence("A network", frame)


def test_too_few_samples_are_refused(subjects: Subjects) -> None:
    with pytest.raises(UsageError, match="at least 4"):
        compare_methods(subjects, size=2)
