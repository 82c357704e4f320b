"""Whether holding a generator to its previous self keeps it from forgetting what it drew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.coverage import mode_coverage
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.clusters import VariationalClusters

#: Weights of the term, seeds, training images, and draws that are counted and compared in pairs.
WEIGHTS, SEEDS, _TRAINED, _DRAWN, _PAIRED = (0.1, 1.0, 10.0), 3, 2_000, 500, 200
#: Updates an epoch; there are as many epochs as digits.
_STEPS = 60
#: Order of the digits, and what the codes of the term are drawn from.
REGIMES = (
    ("one after another", "posterior"),
    ("one after another", "prior"),
    ("together", "posterior"),
)
_SHOWN = 12


def add_collapse(page: VariationalClusters) -> None:
    """Small models trained with each weight: digits drawn, pairwise distance, pictures."""
    from tfgenxai.variational.collapse import drawn_after

    train = page.subjects.train(_TRAINED).binarized()
    classify = page.subjects.classifier["classify"].function("image", "probabilities")
    seeds = range(page.seed, page.seed + SEEDS)
    rows: list[dict[str, Any]] = []
    blocks: dict[str, np.ndarray] = {}
    plain: dict[str, list[np.ndarray]] = {}
    for order, over in REGIMES:
        for weight in (0.0, *WEIGHTS):
            drawn = plain.get(order) if weight == 0 else None
            if drawn is None:
                drawn = [
                    drawn_after(
                        train.images,
                        page.digits(train),
                        order=order,
                        hold=weight,
                        hold_over=over,
                        steps=_STEPS,
                        count=_DRAWN,
                        seed=seed,
                    )
                    for seed in seeds
                ]
            if weight == 0:
                plain[order] = drawn
            found = [_measured(batched(classify, images), images) for images in drawn]
            rows.append({"digits": order, "held over": over, "weight": weight} | _over_seeds(found))
            blocks[f"{order}, {over}, {weight:g}"] = drawn[0][None, :_SHOWN]
    real = _measured(batched(classify, train.images[:_DRAWN]), train.images[:_DRAWN])
    page.results["collapse"] = {
        "rows": rows,
        "real": {"digits_drawn": real[0], "distance": real[1]},
        "seeds": list(seeds),
        "images": len(train),
        "drawn": _DRAWN,
    }
    page.section("Forgetting, and a generator held to its previous self", _ABOUT)
    page.table(
        "collapse",
        rows,
        f"Means over {SEEDS} seeds, with 95 % intervals over them; {_DRAWN} draws each. A digit "
        "counts as drawn from 1 % of the draws on, by the classifier. Distance: mean Euclidean "
        f"distance of two draws. Real digits: {real[0]} and {real[1]:.2f}.",
    )
    page.figure(
        "collapse",
        plots.image_blocks(blocks, title="What is drawn after the training"),
        "Draws of the first seed: order of the digits, codes of the term, its weight.",
    )
    page.finding(words(rows))


def words(rows: list[dict[str, Any]]) -> str:
    """What the weights did to the number of digits drawn, in a sentence."""
    said = []
    for order, over in REGIMES:
        own = [row for row in rows if (row["digits"], row["held over"]) == (order, over)]
        without, held = own[0], max(own[1:], key=lambda row: row["digits drawn"])
        apart = held["digits drawn_low"] > without["digits drawn_high"]
        said.append(
            f"digits {order}, held over the {over}: {without['digits drawn']:.1f} of 10 without "
            f"the term, at most {held['digits drawn']:.1f} with it (weight {held['weight']:g}), "
            f"{'more than seeds differ' if apart else 'no more than seeds differ'}"
        )
    return f"Digits drawn by {SEEDS} seeds: {'; '.join(said)}."


def _measured(probabilities: np.ndarray, images: np.ndarray) -> tuple[int, float]:
    """How many digits are drawn, and the mean distance of two images."""
    from scipy.spatial.distance import pdist

    flat = images[:_PAIRED].reshape(min(_PAIRED, len(images)), -1)
    return mode_coverage(probabilities).covered, float(pdist(flat).mean())


def _over_seeds(found: list[tuple[int, float]]) -> dict[str, float]:
    digits, distances = np.array(found).T
    return interval(digits).row("digits drawn") | interval(distances).row("distance")


_ABOUT = """\
The notes add λ ∫ q(z) ‖G(z) − G°(z)‖² to the loss against mode collapse, where G° is the previous \
generator. Small models show what it does. Digits come together, or one after another, which \
tempts a generator to draw the last one only; G° is the generator before the epoch, or the digit, \
began. q(z) is the posterior of the batch, as the notes have it; beside it stands the prior, whose \
codes stand for everything that was drawn before."""
