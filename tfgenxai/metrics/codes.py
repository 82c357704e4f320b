"""What codes tell of classes: a category against labels, nearest neighbours, bits read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import Interval, interval


@dataclass(frozen=True, eq=False)
class Matching:
    """Categories without names, each matched to the label that it agrees with most.

    Attributes:
        accuracy: share of samples whose category is matched to their label. The matching is made
            on the same samples: categories that know nothing get somewhat more than 1 / labels,
            which shuffled labels show.
        label_of: (K,) the label matched to each category, -1 where there are more categories
            than labels and this one is left over.
        confusion: (K, L) number of samples of each category and label.
        nmi: normalised mutual information (by the arithmetic mean of the entropies), in [0, 1].
        ari: adjusted Rand index: 1 for the same partition, 0 on average for chance.
    """

    accuracy: Interval
    label_of: np.ndarray
    confusion: np.ndarray
    nmi: float
    ari: float

    def row(self) -> dict[str, float]:
        """Cells of a table."""
        return {**self.accuracy.row("accuracy"), "nmi": self.nmi, "ari": self.ari}


def hungarian_accuracy(
    votes: Any,
    labels: Any,
    *,
    categories: int | None = None,
    classes: int | None = None,
    seed: int = 0,
) -> Matching:
    """The accuracy of `votes` (N,) once each category stands for one label, and what stands for it.

    Of all ways to match every category to one label and every label to one category, the one with
    most hits is taken (Kuhn 1955; of clusters, Yang et al. 2010), so that no label counts twice.

    Args:
        votes: the category of each sample, whole numbers from 0.
        labels: the label of each, whole numbers from 0.
        categories, classes: how many there are, where not all of them occur.
        seed: of the bootstrap interval, in which the matching stays as it is.

    Raises:
        InvalidInputError: other shapes, no samples, or numbers that are not whole or out of range.
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    votes, categories = _classes(votes, categories, "Votes")
    labels, classes = _classes(labels, classes, "Labels")
    if votes.shape != labels.shape:
        raise InvalidInputError(
            f"{len(votes)} votes do not fit {len(labels)} labels; give as many."
        )
    confusion = np.zeros((categories, classes), np.int64)
    np.add.at(confusion, (votes, labels), 1)
    label_of = np.full(categories, -1)
    rows, columns = linear_sum_assignment(confusion, maximize=True)
    label_of[rows] = columns
    return Matching(
        accuracy=interval(label_of[votes] == labels, seed=seed),
        label_of=label_of,
        confusion=confusion,
        nmi=float(normalized_mutual_info_score(labels, votes)),
        ari=float(adjusted_rand_score(labels, votes)),
    )


def one_nn_accuracy(
    train_codes: Any, train_labels: Any, test_codes: Any, test_labels: Any, *, seed: int = 0
) -> Interval:
    """Accuracy of giving each test code the label of the nearest training code, with its interval.

    The distance is Euclidean; this is how the codes of a BiGAN are judged (Donahue, Krähenbühl
    and Darrell 2017, table 1). Distances are taken in chunks, so that memory does not grow with
    their number.

    Args:
        train_codes, test_codes: (N, ...) and (M, ...), flattened to vectors: images will do.
        train_labels, test_labels: (N,) and (M,).
        seed: of the bootstrap interval over test codes.

    Raises:
        InvalidInputError: codes and labels that do not fit, codes of different widths, or NaN.
    """
    from sklearn.neighbors import KNeighborsClassifier

    known, test = _flat(train_codes), _flat(test_codes)
    for rows, labels in ((known, train_labels), (test, test_labels)):
        if np.shape(labels) != (len(rows),):
            raise InvalidInputError(
                f"{len(rows)} codes need as many labels; theirs have shape {np.shape(labels)}."
            )
    if known.shape[1] != test.shape[1]:
        raise InvalidInputError(
            f"Training codes have {known.shape[1]} dimensions and test codes {test.shape[1]}; "
            "take both from one encoder."
        )
    nearest = KNeighborsClassifier(1, algorithm="brute").fit(known, np.asarray(train_labels))
    return interval(nearest.predict(test) == np.asarray(test_labels), seed=seed)


def category_information(logits: Any, categories: Any, *, seed: int = 0) -> Interval:
    """A bound on what images tell of the category that they were drawn with, in nats.

    I(c; x) >= log K + E[log Q(c | x)] for K categories drawn with equal chances (Chen et al.,
    "InfoGAN", 2016, eq. 4). At most log K, which is all there is; below 0 where Q is worse than
    one that always says 1 / K.

    Args:
        logits: (N, K) of Q on drawn images.
        categories: (N,) the category that each was drawn with.
    """
    from scipy.special import log_softmax

    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or not np.isfinite(logits).all():
        raise InvalidInputError(f"Logits are finite numbers (N, K), not {logits.shape}.")
    categories, count = _classes(categories, logits.shape[1], "Categories")
    if len(categories) != len(logits):
        raise InvalidInputError(f"{len(logits)} rows of logits need as many categories.")
    told = log_softmax(logits, axis=1)[np.arange(len(logits)), categories]
    return interval(np.log(count) + told, seed=seed)


def continuous_information(codes: Any, means: Any) -> np.ndarray:
    """The same bound for continuous codes drawn from U(-1, 1), each by itself, (C,) in nats.

    I(c; x) >= log 2 + E[log Q(c | x)] with Q a Gaussian about its `means` (N, C). Its variance is
    the mean squared error found, which gives the highest bound: log 2 - log(2 pi e mse) / 2. With
    the variance of 1 that the InfoGAN trains with, the bound is below 0 however well Q reads.

    Args:
        codes: (N, C) that the images were drawn with.
        means: (N, C) what Q says of them.
    """
    codes, means = np.asarray(codes, np.float64), np.asarray(means, np.float64)
    if codes.ndim != 2 or codes.shape != means.shape or not len(codes):
        raise InvalidInputError(
            f"Codes and means have one shape (N, C), not {codes.shape} and {means.shape}."
        )
    error = np.mean((codes - means) ** 2, axis=0)
    with np.errstate(divide="ignore"):  # codes that are read without any error: infinite
        return np.log(2.0) - 0.5 * np.log(2 * np.pi * np.e * error)


def _classes(values: Any, count: int | None, what: str) -> tuple[np.ndarray, int]:
    """Whole numbers (N,) from 0, and how many there can be."""
    array = np.asarray(values)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise InvalidInputError(
            f"{what} are whole numbers, one a sample, shape (N,); not {array.dtype} {array.shape}."
        )
    count = int(array.max()) + 1 if count is None else count
    if array.min() < 0 or array.max() >= count:
        raise InvalidInputError(
            f"{what} run from 0 to {count - 1}; these from {array.min()} to {array.max()}."
        )
    return array, count


def _flat(codes: Any) -> np.ndarray:
    """Codes as float32 rows (N, D), finite."""
    array = np.asarray(codes, np.float32)
    if array.ndim < 2 or not len(array) or not np.isfinite(array).all():
        raise InvalidInputError(
            f"Codes are finite numbers (N, D) or images (N, H, W, C); these have shape "
            f"{array.shape}, or hold NaN."
        )
    return array.reshape(len(array), -1)
