"""What a classifier's verdicts say of generated images: sharp, varied, and as they were asked for.

Which classes are drawn at all is `tfgenxai.metrics.coverage`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, rel_entr

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import ENDS, Interval, interval


def classifier_score(probabilities: np.ndarray, *, draws: int = 1000, seed: int = 0) -> Interval:
    """exp of the mean KL(p(y|x) || p(y)), from 1 to K, with its 95 % bootstrap interval.

    The formula of the Inception score (Salimans et al. 2016, "Improved Techniques for Training
    GANs", section 4) on another classifier: 1 where all verdicts are the same, K where they are
    certain and balanced over K classes.

    Args:
        probabilities: (N, K), rows that sum to 1.

    Raises:
        InvalidInputError: rows that are no probabilities.
    """
    values = np.asarray(probabilities, np.float64)
    rows = values.ndim == 2 and len(values) > 0
    if not rows or (values < 0).any() or not np.allclose(values.sum(axis=1), 1.0, atol=1e-3):
        raise InvalidInputError("Probabilities (N, K) are not negative, and each row sums to 1.")
    entropies = entr(values).sum(axis=1)
    both = np.concatenate([values, entropies[:, None]], axis=1)
    rng = np.random.default_rng(seed)
    even = np.full(len(both), 1.0 / len(both))
    means = np.stack([rng.multinomial(len(both), even) @ both / len(both) for _ in range(draws)])
    low, high = np.quantile(_score(means), ENDS)
    return Interval(float(_score(both.mean(axis=0))), float(low), float(high), len(values))


def _score(means: np.ndarray) -> np.ndarray:
    """Of (..., K + 1): mean probabilities, and mean entropy. E KL = H(mean) - mean H."""
    return np.exp(entr(means[..., :-1]).sum(axis=-1) - means[..., -1])


def class_kl(
    votes: np.ndarray, real_votes: np.ndarray, classes: int, *, draws: int = 2000, seed: int = 0
) -> Interval:
    """KL(generated || real) of the shares of the classes, in nats, with its bootstrap interval.

    0 for equal shares; log(K / (K - m)) for a generator that leaves out m of K equal classes and
    draws the others evenly. Chance alone adds about (K - 1) / 2N. Infinite where a class is
    drawn that no real image has. The real shares are held fixed in the interval.

    Args:
        votes, real_votes: (N,) and (M,), a classifier's class of each image, from 0.
    """
    shares, real = class_shares(votes, classes), class_shares(real_votes, classes)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(votes), shares, size=draws) / len(votes)
    low, high = np.quantile(rel_entr(drawn, real).sum(axis=1), ENDS, method="nearest")
    return Interval(float(rel_entr(shares, real).sum()), float(low), float(high), len(votes))


def class_shares(votes: np.ndarray, classes: int) -> np.ndarray:
    """Share (K,) of each class among `votes` (N,).

    Raises:
        InvalidInputError: no votes, or a class outside of 0 to K - 1.
    """
    votes = np.asarray(votes)
    if not len(votes) or votes.min() < 0 or votes.max() >= classes:
        raise InvalidInputError(f"Votes are at least one class each from 0 to {classes - 1}.")
    return np.bincount(votes, minlength=classes) / len(votes)


def conditional_accuracy(votes: np.ndarray, labels: np.ndarray) -> Interval:
    """Share of images in which the classifier sees the class that was asked for.

    The classifier errs on real images, too: its accuracy there is the ceiling to set beside it.

    Args:
        votes, labels: (N,) classes.

    Raises:
        InvalidInputError: the numbers of votes and labels differ.
    """
    votes, labels = np.asarray(votes), np.asarray(labels)
    if votes.shape != labels.shape:
        raise InvalidInputError(f"There is one label a vote, not {labels.shape} for {votes.shape}.")
    return interval(votes == labels)
