"""Cluster VI: what a variational model of the one image, made for its class, is unsure of."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, Explanation, Method
from tfgenxai.attribution.gradients import check_count
from tfgenxai.attribution.inputs import batches
from tfgenxai.attribution.structure import largest_row
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds, element_of_each, fetch, find_output
from tfgenxai.targets import Target
from tfgenxai.variational.generator_learner import GeneratorLearner
from tfgenxai.variational.maps import PixelPosterior, cluster_map, mask_map
from tfgenxai.variational.pixels import PixelClusters

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

Variant = Literal["convolutional", "pixels"]
Map = Literal["variance", "cluster", "mask"]

#: Steps after which the objective has settled; docs/methods/cluster_vi.md says how this was seen.
STEPS: dict[str, int] = {"convolutional": 60, "pixels": 100}
_PREDICTED = "predicted class"
#: The prior mean of a pixel is that of a window whose side is this share of the image's.
_WINDOW = 0.25


@dataclass(frozen=True)
class PredictedClass(Target):
    """The class that a classifier predicts for the image as it is; it stays while x̂ changes."""

    def on(self, graph: Graph) -> Explained:
        """One element, whose place `ClusterVI` finds for every sample."""
        scores = find_output(graph, None, ("logits", "probabilities"), "ClusterVI")
        found = element_of_each(graph, scores, np.zeros(0, np.int32), "class")
        return replace(found, names=(_PREDICTED,), rows=())


class ClusterVI(Method):
    """Maps of a mixture model that is fitted to one image and to its class at once.

    For every image, q(z) and the clusters' probabilities minimise
    -log p(x|z) + KL(q || prior) - λ log f_y*(x̂), where x̂ is what the model draws and f the
    classifier: see `GeneratorLearner` and `PixelClusters`. Values are (N, H, W) for one target,
    (N, T, H, W) for a family.

    log f is the log of the softmax where the target is of an output called `logits`, the log where
    it is of `probabilities`; any other target takes its place as it is.

    Args:
        graph, wrt, seed: see `Method`.
        variant: "convolutional", a small generator and learner for every image; or "pixels", a
            mixture for every pixel.
        clusters: K, how many mixtures.
        steps: rounds, 60 by default, of ten steps of the learner and one of the generator; of
            pixels, steps, 100 by default.
        rate: Adam's, 0.05 by default.
        map: "variance", of the posterior at a pixel (2 x 2 pixels have one in common where the
            variant is convolutional); "cluster", the probability of the foreground, which is the
            cluster whose pixels are brightest; "mask", 1 where the background has less than 0.1.
        weight: λ, what a nat of the class counts.
        blend: the classifier sees p_0 times what is drawn plus (1 - p_0) x (convolutional).
        reference: images (M, H, W, C) whose mean, of those that the graph puts in the same class as
            the sample, is the prior mean (pixels). By default the sample itself, averaged over
            windows of a quarter of its sides.
        notes: terms to take as the course notes have them, errors included: `NOTES` of the variant.

    Raises:
        UsageError: the input is no image of real numbers, or an option is out of range.
    """

    name = "cluster_vi"
    default_target: ClassVar[Target | None] = PredictedClass()

    def __init__(
        self,
        graph: Graph,
        *,
        variant: Variant = "convolutional",
        clusters: int = 2,
        steps: int | None = None,
        rate: float = 0.05,
        map: Map = "variance",
        weight: float = 1.0,
        blend: bool = False,
        reference: Any = None,
        notes: Collection[str] = (),
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        tensor = graph.inputs[self.wrt]
        if tensor.shape.rank != 4 or None in tensor.shape[1:] or not tensor.dtype.is_floating:
            raise UsageError(
                f"ClusterVI explains images (H, W, C) of real numbers: input {self.wrt!r} has "
                f"shape {tensor.shape}, of type {tensor.dtype.name}."
            )
        for option, value, known in (("variant", variant, Variant), ("map", map, Map)):
            if value not in get_args(known):
                raise UsageError(f"{option}= is one of {get_args(known)}, not {value!r}.")
        self.steps = STEPS[variant] if steps is None else steps
        check_count("steps", self.steps, 1)
        check_count("clusters", clusters, 2)
        if not 0.0 < rate < np.inf:
            raise UsageError(f"rate= is a number above 0, not {rate!r}.")
        self.rate = rate
        self.variant, self.clusters, self.map = variant, clusters, map
        self.weight, self.blend = weight, blend
        self._models: dict[Hashable, GeneratorLearner | PixelClusters] = {}
        # Refuses what does not fit before there is anything to explain.
        self.notes = self._made(1, None, notes).notes
        self._reference = None if reference is None else self._means(reference)

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {
            **super().settings(),
            "variant": self.variant,
            "clusters": self.clusters,
            "steps": self.steps,
            "rate": self.rate,
            "map": self.map,
            "weight": self.weight,
            "blend": self.blend,
            "reference": self._reference is not None,
            "notes": list(self.notes),
        }

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as the classifier's gradients leave room for."""
        return MEMORY // (4 * largest_row(explained, self.graph.inputs[self.wrt]))

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """The maps of one target after the other."""
        if explained.names == (_PREDICTED,):
            feeds = feeds._replace(rows=(self._classes(feeds),))
        images = np.asarray(feeds.inputs[self.wrt], np.float32)
        values = []
        for target in range(len(explained.names)):
            found = self.posterior(images, feeds, explained, target)
            if self.map == "variance":
                values.append(found.variance)
            else:
                made = {"cluster": cluster_map, "mask": mask_map}[self.map]
                values.append(made(found.probabilities, images))
        return Explanation(np.stack(values, axis=1))

    def posterior(
        self, images: np.ndarray, feeds: Feeds, explained: Explained, target: int
    ) -> PixelPosterior:
        """What is found of a batch's images (n, H, W, C) when one of the targets is asked for."""
        key = (len(images), explained.key)
        if key not in self._models:
            self._models[key] = self._made(len(images), in_logs(explained), self.notes)
        model, context = self._models[key], (feeds, tf.constant(target))
        if isinstance(model, GeneratorLearner):
            return model.explain(images[:, None], steps=self.steps, context=context)
        prior = self._prior(images, feeds)
        return model.explain(images, prior, steps=self.steps, context=context)

    def _made(
        self, count: int, explained: Explained | None, notes: Collection[str]
    ) -> GeneratorLearner | PixelClusters:
        """A model of so many images, asked for what is explained."""
        shape = tuple(self.graph.inputs[self.wrt].shape[1:])

        def log_probability(images: tf.Tensor, context: tuple[Feeds, tf.Tensor]) -> tf.Tensor:
            assert explained is not None
            feeds, target = context
            taken = tf.cast(images, self.graph.inputs[self.wrt].dtype)
            return tf.gather(explained.scores(feeds.with_input(self.wrt, taken)), target, axis=1)

        options: dict[str, Any] = {
            "clusters": self.clusters,
            "weight": self.weight,
            "rate": self.rate,
            "notes": notes,
            "seed": self.seed,
        }
        if self.variant == "pixels":
            return PixelClusters(count, shape, log_probability, **options)
        return GeneratorLearner(count, shape, log_probability, blend=self.blend, **options)

    def _prior(self, images: np.ndarray, feeds: Feeds) -> np.ndarray:
        """The prior mean of every sample, (n, H, W, C)."""
        if self._reference is not None:
            return self._reference[self._classes(feeds)]
        window = [max(1, round(_WINDOW * side)) for side in images.shape[1:3]]
        return tf.nn.avg_pool2d(images, window, 1, "SAME").numpy()

    def _classes(self, feeds: Feeds) -> np.ndarray:
        """The class (n,) that the graph puts each sample in; 0 where it has no classes."""
        try:
            scores = PredictedClass().on(self.graph).fetches
        except UsageError:
            return np.zeros(len(feeds.inputs[self.wrt]), np.int32)
        return fetch(self.graph, feeds, scores)[0].numpy().argmax(axis=1).astype(np.int32)

    def _means(self, reference: Any) -> np.ndarray:
        """The mean image of each class, (classes, H, W, C); of all images, of a class without."""
        found = [*batches(reference, self.graph, self._fixed_batch or 256)[0]]
        classes = np.concatenate([self._classes(Feeds(batch)) for batch in found])
        images = np.concatenate([batch[self.wrt] for batch in found]).astype(np.float32)
        count = classes.max() + 1
        means = np.broadcast_to(images.mean(axis=0), (count, *images.shape[1:])).copy()
        for each in np.unique(classes):
            means[each] = images[classes == each].mean(axis=0)
        return means


def in_logs(explained: Explained) -> Explained:
    """The same targets in logs, where they are logits or probabilities of classes."""
    outputs = {tensor.ref(): name for name, tensor in explained.graph.outputs.items()}
    tensor = explained.fetches[0]
    name = outputs.get(tensor.ref()) if len(explained.fetches) == 1 else None
    change = {"logits": tf.nn.log_softmax, "probabilities": _log}.get(name or "")
    if change is None or tensor.shape.rank != 2 or tensor.shape[1] == 1:
        return explained

    def read(values: tuple[tf.Tensor, ...], *rest: Any) -> tf.Tensor:
        return explained.read((change(values[0]),), *rest)

    return replace(explained, read=read)


def _log(probabilities: tf.Tensor) -> tf.Tensor:
    return tf.math.log(tf.maximum(probabilities, np.finfo(np.float32).tiny))
