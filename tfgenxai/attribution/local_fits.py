"""Linear fits near a sample, by the library `lime`, on a target of any number of scalars.

lime explains classifiers of probabilities, or one regressed number. Here its classifier's way is
used for T scalars: it fits each of them on the same perturbed samples, and needs no probabilities.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from lime.lime_base import LimeBase
from lime.lime_image import LimeImageExplainer
from lime.lime_tabular import LimeTabularExplainer

from tfgenxai.attribution.rescoring import ROWS, Sample
from tfgenxai.errors import InvalidInputError


@dataclass(frozen=True, eq=False)
class LocalFit:
    """A linear model of one scalar near a sample.

    Attributes:
        features: the features that the model uses, by falling absolute weight.
        conditions: what the weight of each is the weight of.
        weights: of these features.
        intercept: of the model.
        prediction: of the model, for the sample itself.
        score: the scalar itself.
        r2: weighted coefficient of determination on the perturbed samples; 1 is a perfect fit.
    """

    features: np.ndarray
    conditions: tuple[str, ...]
    weights: np.ndarray
    intercept: float
    prediction: float
    score: float
    r2: float


class Fitter(Protocol):
    """Fits all scalars of a sample."""

    def __call__(self, sample: Sample) -> list[LocalFit]:
        """T fits."""


class VectorFitter:
    """LIME for vectors, on conditions such as `z3 > 0.81`, or on the values themselves.

    Args:
        background: (M, d); its quantiles are the bins, its spread the scale of perturbations.
        names: d names of the features.
        bins: "quartile", "decile", or None for the values themselves.
        num_features: features a fit may use, or None for all.
        samples: perturbed samples.
        kernel_width: Euclidean distance at which a perturbed sample weighs exp(-1/2), where a
            feature outside of its bin is 1 away; without bins, where a standard deviation is 1.
            None for lime's default, 0.75 sqrt(d).

    Raises:
        InvalidInputError: a feature is the same in all samples of the background.
    """

    def __init__(
        self,
        background: np.ndarray,
        names: Sequence[str],
        bins: str | None,
        num_features: int | None,
        samples: int,
        kernel_width: float | None,
    ) -> None:
        data = background.astype(np.float64)
        fixed = np.flatnonzero(np.ptp(data, axis=0) == 0)
        if len(fixed):
            raise InvalidInputError(
                f"The background has only one value of {names[fixed[0]]}, so that there is no "
                f"spread to perturb it by: give samples that differ."
            )
        self.features, self.samples = num_features or len(names), samples
        self.draws = np.random.RandomState()
        self.explainer = LimeTabularExplainer(
            data,
            feature_names=list(names),
            kernel_width=kernel_width,
            feature_selection=_selection(num_features),
            discretize_continuous=bins is not None,
            discretizer=bins,
            sample_around_instance=True,
            random_state=self.draws,
        )
        self.fits = _Fits(self.explainer.base.kernel_fn, random_state=self.draws)
        self.explainer.base = self.fits

    def __call__(self, sample: Sample) -> list[LocalFit]:
        """T fits."""
        self.draws.seed(sample.seed)
        scores = sample.score(sample.x[None])[0]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\s*Prediction probabilties", UserWarning)
            found = self.explainer.explain_instance(
                sample.x.astype(np.float64),
                sample.score,
                labels=range(len(scores)),
                num_features=self.features,
                num_samples=self.samples,
            )
        conditions = [
            text
            for text, _ in found.domain_mapper.map_exp_ids([(i, 0) for i in range(sample.count)])
        ]
        return self.fits.read(scores, conditions)


class ImageFitter:
    """LIME for images, on superpixels that are shown or hidden.

    Args:
        hidden: what is in place of a hidden superpixel: a number, an image (H, W, C), or None for
            the superpixel's mean colour.
        num_features, samples: as of `VectorFitter`.
        kernel_width: cosine distance at which a perturbed image weighs exp(-1/2); None for lime's
            default, 0.25.
    """

    def __init__(
        self,
        hidden: Any,
        num_features: int | None,
        samples: int,
        kernel_width: float | None,
    ) -> None:
        self.hidden, self.samples = hidden, samples
        self.features = num_features
        self.draws = np.random.RandomState()
        self.explainer = _ImageExplainer(
            kernel_width=0.25 if kernel_width is None else kernel_width,
            feature_selection=_selection(num_features),
            random_state=self.draws,
        )
        self.fits = _Fits(self.explainer.base.kernel_fn, random_state=self.draws)
        self.explainer.base = self.fits

    def __call__(self, sample: Sample) -> list[LocalFit]:
        """T fits."""
        self.draws.seed(sample.seed)
        shape = sample.x.shape
        regions = sample.regions.reshape(*shape[:2], -1)
        if shape[2:] not in ((), (1,), (3,)) or (regions != regions[..., :1]).any():
            raise InvalidInputError(
                "LIME hides superpixels of grey or colour images, all channels of a pixel "
                f"together; this input has shape {shape}."
            )
        grey = shape[2:] != (3,)

        def score(colour: np.ndarray) -> np.ndarray:
            images = colour[..., 0] if grey else colour
            return sample.score(images.reshape(-1, *shape))

        # lime computes mean colours, and so takes three channels.
        image = np.repeat(sample.x.reshape(*shape[:2], 1), 3, axis=2) if grey else sample.x
        scores = score(image[None])[0]
        self.explainer.explain_instance(
            image,
            score,
            labels=range(len(scores)),
            top_labels=None,
            hide_color=self.hidden,
            num_features=self.features or sample.count,
            num_samples=self.samples,
            segmentation_fn=lambda _: regions[..., 0],
        )
        return self.fits.read(scores, [f"superpixel {i} shown" for i in range(sample.count)])


class _Fits(LimeBase):
    """lime's fits, all of whose figures are kept; lime itself forgets all R^2 but the last."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.found: dict[int, tuple[Any, ...]] = {}

    def explain_instance_with_data(
        self, data: Any, labels: Any, distances: Any, label: int, *args: Any, **options: Any
    ) -> tuple[Any, ...]:
        """Fits one scalar."""
        self.found[label] = super().explain_instance_with_data(
            data, labels, distances, label, *args, **options
        )
        return self.found[label]

    def read(self, scores: np.ndarray, conditions: Sequence[str]) -> list[LocalFit]:
        """The fits of the last sample.

        Args:
            scores: (T,) of the sample itself.
            conditions: one for each feature.
        """
        fits = []
        for t, score in enumerate(scores):
            intercept, pairs, r2, prediction = self.found[t]
            features = np.array([feature for feature, _ in pairs], int)
            fits.append(
                LocalFit(
                    features,
                    tuple(conditions[i] for i in features),
                    np.array([weight for _, weight in pairs], float),
                    float(intercept),
                    float(prediction[0]),
                    float(score),
                    float(r2),
                )
            )
        return fits


class _ImageExplainer(LimeImageExplainer):
    """lime's, with its images made and scored in batches, and without a bar on stderr."""

    def data_labels(
        self,
        image: np.ndarray,
        fudged_image: np.ndarray,
        segments: np.ndarray,
        classifier_fn: Any,
        num_samples: int,
        batch_size: int = ROWS,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which superpixels are shown (m, F), drawn as lime does, and the scalars (m, T)."""
        count = int(segments.max()) + 1
        shown = self.random_state.randint(0, 2, num_samples * count).reshape(num_samples, count)
        shown[0] = 1
        scores = [
            classifier_fn(np.where(part[:, segments, None] == 1, image, fudged_image))
            for part in np.split(shown, range(ROWS, num_samples, ROWS))
        ]
        return shown, np.concatenate(scores)


def _selection(num_features: int | None) -> str:
    return "none" if num_features is None else "auto"
