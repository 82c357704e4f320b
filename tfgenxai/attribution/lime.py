"""LIME: a sparse linear model of the target near the input."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.local_fits import Fitter, ImageFitter, LocalFit, VectorFitter
from tfgenxai.attribution.regions import described, spread
from tfgenxai.attribution.rescoring import RescoringMethod, Sample, checked_background
from tfgenxai.attribution.superpixels import Kind
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target


class LIME(RescoringMethod):
    """Weights of a linear fit near x, of x's shape (Ribeiro, Singh and Guestrin 2016), by lime.

    The target is scored at perturbed inputs, which weigh the more the nearer they are, and a ridge
    regression is fitted to the scores. On vectors, such as latent codes, the regression knows of
    each coordinate only whether it stays in the bin of x: its weight says what a condition such as
    `z3 > 0.81` adds, and `conditions` lists them. On images it knows which superpixels are shown;
    the weight of one is shared evenly by its pixels and channels. There is no sum rule; how well
    the model fits is the `r2` of `conditions`.

    Args:
        graph, wrt, seed: see `Method`.
        background: for vectors samples (M, d), which they need: the codes of a data set, or draws
            from the prior. Perturbations have their distribution, and bins are their quantiles. For
            images, what a hidden superpixel is replaced by: a number or one image; by default its
            mean colour.
        features: of images: "superpixels", or labels; see `Regions`.
        segments, superpixels: how many and of which kind; see `superpixels.superpixels`.
        bins: of vectors: "quartile", "decile", or None to fit the values themselves. The samples
            are then drawn around x, and a weight is the slope by one standard deviation of the
            background.
        num_features: features a fit may use, the most telling ones; the weights of others are 0.
        samples: perturbed samples; "auto" is lime's choice, 5,000 for vectors, 1,000 for images.
        kernel_width: how far is near; see `VectorFitter` and `ImageFitter`.

    Raises:
        UsageError: no such features or bins, numbers out of range, or no background for vectors.
        InvalidInputError: the background or the labels do not fit the input.
    """

    name = "lime"

    def __init__(
        self,
        graph: Graph,
        *,
        background: float | np.ndarray | None = None,
        features: Literal["auto", "superpixels"] | np.ndarray = "auto",
        segments: int = 50,
        superpixels: Kind = "slic",
        bins: Literal["quartile", "decile"] | None = "quartile",
        num_features: int | None = None,
        samples: int | Literal["auto"] = "auto",
        kernel_width: float | None = None,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            graph,
            features=features,
            segments=segments,
            superpixels=superpixels,
            wrt=wrt,
            seed=seed,
        )
        if bins not in ("quartile", "decile", None):
            raise UsageError(f"bins= must be 'quartile', 'decile' or None, not {bins!r}.")
        options = {"num_features": (num_features, None, 1), "samples": (samples, "auto", 10)}
        for option, (given, default, least) in options.items():
            whole = isinstance(given, int | np.integer) and given >= least
            if given != default and not whole:
                raise UsageError(f"{option}= must be a whole number from {least} on, or {default}.")
        if kernel_width is not None and not kernel_width > 0:
            raise UsageError(f"kernel_width= must be above 0, not {kernel_width!r}.")
        self.background = (
            None if background is None else checked_background(background, graph, self.wrt)
        )
        self.bins = bins
        self.num_features = None if num_features is None else int(num_features)
        self.samples = samples if samples == "auto" else int(samples)
        self.kernel_width = None if kernel_width is None else float(kernel_width)
        self._fit = self._fitter()
        self._watch: Callable[[list[LocalFit]], object] | None = None

    def settings(self) -> dict[str, Any]:
        """Settings to record; of a background that is an array, its shape and a checksum."""
        b = self.background
        background = None if b is None else described(b) if b.ndim else float(b)
        return {
            **super().settings(),
            "background": background,
            "bins": self.bins if self._of_vectors else None,
            "num_features": self.num_features,
            "samples": self.samples,
            "kernel_width": self.kernel_width,
        }

    def explain_sample(self, sample: Sample) -> Explanation:
        """The weights."""
        fits = self._fit(sample)
        if self._watch is not None:
            self._watch(fits)
        weights = np.zeros((len(fits), sample.count))
        for row, fit in zip(weights, fits, strict=True):
            row[fit.features] = fit.weights
        return Explanation(spread(weights, sample.regions))

    def conditions(
        self, inputs: Any, target: Target | None = None, *, batch_size: int = 64
    ) -> pandas.DataFrame:
        """A pandas table of the fits, with one row for each sample, target and feature used.

        Columns: `sample`, `target`, `feature` (number of the coordinate or superpixel),
        `condition` (such as `z3 > 0.81`), `weight` (what the condition adds to the target), and,
        the same for all rows of a fit, `intercept`, `prediction` (of the linear model, for the
        sample), `score` (the target itself) and `r2` (of the fit on the perturbed samples). The
        rows of a fit are sorted by absolute weight, and are those of a call with these arguments.

        Args:
            inputs, target, batch_size: as of a call.
        """
        import pandas

        fits: list[list[LocalFit]] = []
        watcher = copy.copy(self)  # this object stays as it is
        watcher._watch = fits.append
        names = watcher(inputs, target, batch_size=batch_size).target_names
        rows = [
            (i, name, *row, fit.intercept, fit.prediction, fit.score, fit.r2)
            for i, of_sample in enumerate(fits)
            for name, fit in zip(names, of_sample, strict=True)
            for row in zip(fit.features, fit.conditions, fit.weights, strict=True)
        ]
        columns = ["sample", "target", "feature", "condition", "weight"]
        return pandas.DataFrame(rows, columns=[*columns, "intercept", "prediction", "score", "r2"])

    @property
    def _of_vectors(self) -> bool:
        return self._shape.rank == 1

    def _fitter(self) -> Fitter:
        """The library's explainer, for the kind of the input."""
        b = self.background
        count = self.samples
        if not self._of_vectors:
            if self._shape.rank not in (2, 3):
                raise UsageError(
                    f"LIME explains vectors (N, d) and images (N, H, W[, channels]); this input "
                    f"has shape (N, {', '.join(map(str, self._shape))})."
                )
            if b is not None and b.ndim and len(b) > 1:
                raise UsageError("LIME hides a superpixel behind one image or number, not several.")
            hidden = b if b is None or b.ndim == 0 else np.atleast_3d(b[0])
            samples = 1000 if count == "auto" else count
            return ImageFitter(hidden, self.num_features, samples, self.kernel_width)
        if not self.regions.of_elements:
            raise UsageError("LIME takes the coordinates of a vector one by one: leave features=.")
        if b is None or b.ndim < 2 or len(b) < 2:
            raise UsageError(
                "LIME perturbs a vector as a data set varies: pass background=, samples (M, d) "
                "such as the codes of the training set, or draws from the prior."
            )
        names = [f"{self.wrt}{i}" for i in range(b.shape[1])]
        samples = 5000 if count == "auto" else count
        return VectorFitter(b, names, self.bins, self.num_features, samples, self.kernel_width)
