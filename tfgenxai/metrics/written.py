"""Every number about the words that a model writes, in one report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics import GENERATED_IMAGES
from tfgenxai.metrics.draws import draw_words
from tfgenxai.metrics.features import fingerprint
from tfgenxai.metrics.frechet import frechet
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.precision import manifold_row
from tfgenxai.metrics.reader import check_judge
from tfgenxai.metrics.word_shapes import MEASURES, word_measures
from tfgenxai.metrics.words import by_length, error_rates, read_words
from tfgenxai.saved.word import alphabet_of

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel


def writing_report(
    model: SavedModel,
    real_test: ImageData,
    real_train: ImageData,
    judge: SavedModel,
    *,
    generated: int = GENERATED_IMAGES,
    seed: int = 0,
    skip: Collection[str] = (),
) -> dict[str, Any]:
    """Measures of words that `model` writes, flat: `name`, `name_low`, `name_high`, `name_real`.

    It writes the texts of held-out words, in random order and from the first again where more are
    asked for, each in a style of its own from the model's prior.

    - `character_error_rate`, `word_error_rate`: of what the judge reads in them. `_real` is the
      ceiling, the same on all held-out words, since the judge learnt on the training words.
    - `frechet`, and `precision` to `coverage`: by the judge's features.
    - `style_slant` and so on: the mean of each of `tfgenxai.metrics.word_shapes.MEASURES`;
      `_spread` is its standard deviation and `_distance` the Wasserstein-1 distance of drawn to
      held-out words, both in the measure's unit. `blank_words` have no ink to measure.

    Distances and styles are of n words of each kind, `distance_words`. The held-out ones are
    others than those whose texts the drawn ones have, so that `_real`, the same measure on n
    training words, is what a perfect model reaches.

    Args:
        model: SavedModel with `generate` from z (N, d) and label (N, n).
        real_test, real_train: words, as the model was trained on.
        judge: SavedModel with `recognise`, which gives `features` and knows the characters.
        seed: of texts, styles, the choice of real words and the bootstrap.
        skip: `distances` or `manifold`, to leave these out.

    Raises:
        UsageError: the images are no words, or a model does not know their characters.
        ModelNotFoundError: the model writes no words, or the judge reads none.
        InvalidInputError: fewer than two words of a kind.
    """
    tests, trains = texts_of(real_test), texts_of(real_train)
    count = min(generated, len(tests) // 2, len(trains))
    if count < 2:
        raise InvalidInputError(
            "A report on writing needs two words to write, four held-out and two training ones."
        )
    check_judge(judge, alphabet_of(model))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(tests))
    some = rng.choice(len(trains), count, replace=False)
    asked = tests[np.resize(order, generated)]
    images = draw_words(model, asked, alphabet_of(model), seed=seed).images
    written = _Words.of(images, asked, judge)
    tested = _Words.of(real_test.images, tests, judge)
    trained = _Words.of(real_train[some].images, trains[some], judge)
    kinds = (written[:count], tested[order[-count:]], trained)

    rates, ceiling = (error_rates(x.asked, x.read, seed=seed) for x in (written, tested))
    report = {
        "written_words": generated,
        "real_words": len(tests),
        "distance_words": count,
        "features_sha256": fingerprint(judge),
        **rates.row(),
        "character_error_rate_real": ceiling.characters.mean,
        "word_error_rate_real": ceiling.words.mean,
    }
    drawn, held_out, real = (kind.features for kind in kinds)
    if "distances" not in skip:
        distance = frechet(drawn, held_out, real)
        report |= {"frechet": distance.distance, "frechet_real": distance.floor}
    if "manifold" not in skip:
        report |= manifold_row(drawn, real, held_out)
    return report | _styles(*(_measured(kind) for kind in kinds), seed=seed)


@dataclass(frozen=True)
class _Words:
    """Words with what was asked for, what the judge reads in them, and its features (N, F)."""

    images: np.ndarray
    asked: np.ndarray
    read: np.ndarray
    features: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, asked: np.ndarray, judge: SavedModel) -> _Words:
        lengths = np.char.str_len(asked)
        found = read_words(judge["recognise"], images, lengths, alphabet_of(judge))
        assert found.features is not None
        return cls(images, asked, np.array(found.texts), found.features)

    def __getitem__(self, rows: slice | np.ndarray) -> _Words:
        return _Words(self.images[rows], self.asked[rows], self.read[rows], self.features[rows])


def reading_report(model: SavedModel, words: ImageData, *, seed: int = 0) -> dict[str, Any]:
    """Character and word error rate of a recogniser on held-out `words`, with their number.

    Raises:
        UsageError: the images are no words, or the recogniser knows no alphabet.
    """
    asked = texts_of(words)
    lengths = np.char.str_len(asked)
    found = read_words(model["recognise"], words.images, lengths, alphabet_of(model))
    return {"test_words": len(asked)} | error_rates(asked, found.texts, seed=seed).row()


def texts_of(words: ImageData) -> np.ndarray:
    """What is written in each image, (N,).

    Raises:
        UsageError: the images are no words.
    """
    if words.texts is None:
        raise UsageError(f"{words.name} has no words; the data sets words and iam have.")
    return words.texts


def _measured(words: _Words) -> dict[str, np.ndarray]:
    """`word_measures` of words of several lengths, (N,) each."""
    found = {name: np.empty(len(words.asked)) for name in MEASURES}
    for length, rows in by_length(np.char.str_len(words.asked)):
        images = words.images[rows, :, : CHARACTER_WIDTH * length]
        for name, values in word_measures(images).items():
            found[name][rows] = values
    return found


def _styles(
    drawn: dict[str, np.ndarray],
    held_out: dict[str, np.ndarray],
    real: dict[str, np.ndarray],
    *,
    seed: int,
) -> dict[str, Any]:
    """Means, spreads and distances of the measures that are defined on words of each kind."""
    from scipy.stats import wasserstein_distance

    blank, blank_real = (int(np.isnan(kind["area"]).sum()) for kind in (drawn, real))
    report: dict[str, Any] = {"blank_words": blank, "blank_words_real": blank_real}
    for measure in MEASURES:
        x, reference, y = (
            kind[measure][np.isfinite(kind[measure])] for kind in (drawn, held_out, real)
        )
        if not (len(x) and len(reference) and len(y)):
            continue
        name = f"style_{measure.replace(' ', '_')}"
        report |= interval(x, seed=seed).row(name) | {
            f"{name}_real": float(y.mean()),
            f"{name}_spread": float(x.std()),
            f"{name}_spread_real": float(y.std()),
            f"{name}_distance": float(wasserstein_distance(x, reference)),
            f"{name}_distance_real": float(wasserstein_distance(y, reference)),
        }
    return report
