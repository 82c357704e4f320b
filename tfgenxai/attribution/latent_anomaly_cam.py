"""Latent anomaly CAM: where an image differs from the images that a VAE was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.inputs import batches
from tfgenxai.attribution.latent_grad_cam import LatentGradCAM, Weights
from tfgenxai.attribution.structure import depends
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds, fetch, find_output, sample_shape
from tfgenxai.targets import Latent, Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class LatentAnomalyCAM(LatentGradCAM):
    """Maps M^i of what makes latent i unlike the normal class; `mean_map()` is the anomaly map.

    A normal image has the code x_i ~ N(mu_x, sigma_x^2), the image at hand, by its posterior,
    y_i ~ N(mu_y, sigma_y^2). Their difference u_i = x_i - y_i is N(mu_x - mu_y, sigma_x^2 +
    sigma_y^2), with the density p_i(u) of Liu et al. 2020, eq. 4. Maps are those of `LatentGradCAM`
    (their eqs. 1-3), of a scalar made of it, in one of two readings:

    - "density" explains -log p_i(0), high where "no difference" is unlikely. p_i(0) is the overlap
      of the two posteriors, the integral of their product. The logarithm keeps the latents that
      deviate most: the gradient of p_i itself is p_i times that of log p_i, and vanishes for them.
    - "draw" explains a draw u_i = mu_x - mu_y + sqrt(sigma_x^2 + sigma_y^2) e itself, e ~ N(0, 1).
      Explaining p_i at such a draw would say nothing: its exponent is -e^2 / 2, whatever the
      image. The sign of u_i means nothing either, and the ReLU drops one.

    Args:
        graph: the encoder, which gives a mean and a log variance.
        layer: as in `LatentGradCAM`.
        reference: the normal class: images, as a call takes them; or (mean, variance) of its codes,
            (d,) each. Of images, it is the mean and variance of all their codes: the mean of the
            means; the mean of the variances plus the variance of the means. By default the prior
            N(0, 1), which is where a VAE puts the codes of the class it was trained on.
        explain: "density" or "draw".
        mean, logvar: the outputs that hold them, where they have unusual names.
        wrt, seed: see `Method`.

    Raises:
        UsageError: the graph has no such outputs, or, of a call, the target is no `Latent`.
        InvalidInputError: the reference does not fit the graph, or has a variance below 0.
    """

    name = "latent_anomaly_cam"

    def __init__(
        self,
        graph: Graph,
        layer: str | None = None,
        *,
        reference: Any = None,
        explain: Literal["density", "draw"] = "density",
        mean: str | None = None,
        logvar: str | None = None,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, layer, wrt=wrt, seed=seed)
        if explain not in ("density", "draw"):
            raise UsageError(f"explain= must be 'density' or 'draw', not {explain!r}.")
        self.explain = explain
        self._posterior = (
            find_output(graph, mean, ("mean", "mu", "z_mean"), "LatentAnomalyCAM"),
            find_output(graph, logvar, ("logvar", "log_var", "z_log_var"), "LatentAnomalyCAM"),
        )
        means, logvars = map(sample_shape, self._posterior)
        if means != logvars or self._posterior[0] is self._posterior[1]:
            raise UsageError(
                f"The mean has shape {means} and the log variance {logvars}: name the two outputs "
                f"with mean= and logvar=."
            )
        self.reference = self._moments(reference)

    def settings(self) -> dict[str, Any]:
        """Settings to record; the reference as the mean and variance of each latent."""
        mean, variance = (moment.tolist() for moment in self.reference)
        return {
            "seed": self.seed,
            "wrt": self.wrt,
            "explain": self.explain,
            "reference": {"mean": mean, "variance": variance},
        }

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Runs the compiled kernel, with the draws of each sample if there are any."""
        if self.explain == "draw":
            numbers = range(start, start + len(feeds.inputs[self.wrt]))
            size = self.reference[0].size
            draws = [np.random.default_rng([self.seed, i]).standard_normal(size) for i in numbers]
            feeds = feeds._replace(rows=(np.asarray(draws, np.float32),))
        return super().explain_batch(feeds, explained, start)

    def _explained(self, target: Target | None) -> Explained:
        target = self.default_target if target is None else target
        if not isinstance(target, Latent) or target.at != "mean" or target.output is not None:
            raise UsageError(
                "LatentAnomalyCAM explains latents: Latent(i), Latent((i, j)) or Latent.all(), the "
                "default; outputs of other names are given by mean= and logvar=."
            )
        name = self._posterior[0].name
        latents = replace(target, output=name.removesuffix(":0")).on(self.graph)
        (columns,) = latents.shared

        def read(values: tuple[tf.Tensor, ...], inputs: Any, *given: tf.Tensor) -> tf.Tensor:
            mean, logvar = (_chosen((value,), inputs, given[0]) for value in values)
            return self._scalar(mean, logvar, *given)

        explained = replace(
            latents,
            fetches=self._posterior,
            read=read,
            key=(self.name, self.explain, len(latents.names)),
            shared=(columns, *(moment[columns] for moment in self.reference)),
            columns=None,
            linear=False,
        )
        self.maps.check(explained)
        return explained

    def weights(self, explained: Explained) -> Weights:
        """df/dmean times alpha of the mean, and the same of the log variance.

        A scalar depends on no more than these two of its latent, and theirs are cheap to get.
        """
        parts = {}
        for place, tensor in enumerate(explained.fetches):
            if depends([tensor], self.maps.tensor):
                latents = replace(
                    explained, fetches=(tensor,), read=_chosen, columns=explained.shared[0]
                )
                parts[place] = super().weights(latents)

        def weights(a: tf.Tensor, feeds: Feeds) -> tf.Tensor:
            columns = feeds.shared[:1]
            at = feeds.with_input(self.maps.tensor.name, a)
            values = fetch(self.graph, at, explained.fetches)
            posterior = [_chosen((value,), feeds.inputs, *columns) for value in values]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(posterior)
                scalars = self._scalar(*posterior, *feeds.shared, *feeds.rows)
            slopes = tape.gradient(scalars, posterior)
            latents = Feeds(feeds.inputs, columns)
            return sum(slopes[i][:, :, None] * part(a, latents) for i, part in parts.items())

        return weights

    def _scalar(
        self,
        mean: tf.Tensor,
        logvar: tf.Tensor,
        columns: tf.Tensor,
        normal_mean: tf.Tensor,
        normal_variance: tf.Tensor,
        *draws: tf.Tensor,
    ) -> tf.Tensor:
        """What is explained of the chosen latents, (n, T)."""
        shift, spread = normal_mean - mean, normal_variance + tf.exp(logvar)
        if draws:
            return shift + tf.sqrt(spread) * tf.gather(draws[0], columns, axis=1)
        return 0.5 * (shift**2 / spread + tf.math.log(2.0 * np.pi * spread))

    def _moments(self, reference: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the normal class, (d,) each."""
        size = int(np.prod(sample_shape(self._posterior[0])))
        if reference is None:
            return np.zeros(size, np.float32), np.ones(size, np.float32)
        if not isinstance(reference, tuple):
            return self._of_images(reference)
        mean, variance = (np.asarray(moment, np.float32).ravel() for moment in reference)
        if not mean.shape == variance.shape == (size,):
            raise InvalidInputError(
                f"The reference must hold a mean and a variance of {size} latents, not of "
                f"{mean.size} and {variance.size}."
            )
        if not np.isfinite([mean, variance]).all() or (variance < 0).any():
            raise InvalidInputError("The reference must be finite, its variance not below 0.")
        return mean, variance

    def _of_images(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """Moments of the mixture of the images' posteriors."""
        fixed = self._fixed_batch
        means, variances = [], []
        for batch in batches(images, self.graph, fixed or 256)[0]:
            count = len(batch[self.wrt])
            if fixed:  # fill the last batch
                batch = {name: np.resize(v, (fixed, *v.shape[1:])) for name, v in batch.items()}
            mean, logvar = fetch(self.graph, Feeds(batch), self._posterior)
            means.append(np.reshape(mean, (len(mean), -1))[:count])
            variances.append(np.exp(np.reshape(logvar, (len(mean), -1)))[:count])
        mean, variance = np.concatenate(means), np.concatenate(variances)
        return mean.mean(0), variance.mean(0) + mean.var(0)


def _chosen(values: tuple[tf.Tensor], inputs: Any, columns: tf.Tensor) -> tf.Tensor:
    """Elements (n, T) of the only value, each sample flattened."""
    flat = tf.reshape(values[0], (tf.shape(values[0])[0], -1))
    return tf.gather(flat, columns, axis=1)
