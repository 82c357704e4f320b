"""The numbers of a model card, measured on the exported SavedModel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.metrics.coverage import mode_coverage
from tfgenxai.metrics.likelihood import active_units, importance_bound
from tfgenxai.saved.card import write_card

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel


def evaluate(
    model: SavedModel,
    data: ImageData,
    *,
    binarize: bool = False,
    classifier: SavedModel | None = None,
    generated: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics that the model's signatures allow, each with the number of images it was taken on.

    Args:
        data: held-out images.
        binarize: threshold the images at 0.5 first, for models trained on binary images.
        classifier: SavedModel with `classify`, which labels generated images.
        generated: how many images a generator draws.
    """
    images = (data.images > 0.5).astype(np.float32) if binarize else data.images
    metrics: dict[str, Any] = {"seed": seed}
    if "classify" in model or "encode" in model:
        metrics["test_images"] = len(images)
    if "classify" in model:
        probabilities = batched(model["classify"].function("image", "probabilities"), images)
        metrics["accuracy"] = float(np.mean(probabilities.argmax(axis=1) == data.labels))
    if "encode" in model and len(model["encode"].inputs) == 1:
        means = batched(model["encode"].function("image", "mean"), images)
        metrics["active_units"] = active_units(means)
        metrics["latent_dim"] = means.shape[1]
        restored = batched(model["reconstruct"].function("image", "image"), images)
        metrics["reconstruction_mse"] = float(np.mean(np.square(restored - images)))
        if "logvar" in model["encode"].outputs and binarize:
            metrics |= likelihood_metrics(model, images, seed)
    if "generate" in model and classifier is not None:
        metrics |= generation_metrics(model, classifier, generated, seed)
    return metrics


def measure(
    model: SavedModel,
    data: ImageData,
    *,
    classifier: SavedModel | None = None,
    seed: int = 0,
    note: bool = True,
) -> dict[str, Any]:
    """`evaluate`, binarising for models whose card says so.

    With `note`, the result is added to the card when `data` is the set the model was trained on.
    """
    card = model.card or {}
    trained_on = card.get("data", {})
    binarize = trained_on.get("binarized", False)
    metrics = evaluate(model, data, binarize=binarize, classifier=classifier, seed=seed)
    metrics |= {"test_data": data.name, "test_source": data.source}
    if note and trained_on.get("name") == data.name:
        write_card(model.path, card | {"metrics": card.get("metrics", {}) | metrics})
    return metrics


def likelihood_metrics(model: SavedModel, images: np.ndarray, seed: int) -> dict[str, Any]:
    """ELBO on all images, and the IWAE bound with 50 draws on the first 1,000."""
    bounds = {}
    for name, samples, count in (("elbo", 1, len(images)), ("iwae_50", 50, 1000)):
        values = importance_bound(
            model["encode"], model["decode"], images[:count], samples=samples, seed=seed
        )
        bounds[name] = float(values.mean())
        bounds[f"{name}_images"] = len(values)
    return bounds


def generation_metrics(
    model: SavedModel, classifier: SavedModel, count: int, seed: int
) -> dict[str, Any]:
    """Shares of the classes among `count` generated images, and how sure the classifier is."""
    size = model["generate"].inputs["z"].shape[1]
    codes = np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)
    images = batched(model["generate"].function("z", "image"), codes)
    coverage = mode_coverage(
        batched(classifier["classify"].function("image", "probabilities"), images)
    )
    return {
        "generated_images": count,
        "classes_covered": coverage.covered,
        "class_shares": [round(float(share), 4) for share in coverage.shares],
        "classifier_confidence": coverage.confidence,
    }


def batched(function: Any, inputs: np.ndarray, size: int = 256) -> np.ndarray:
    """`function` of all `inputs`, a batch at a time."""
    parts = [
        function(tf.constant(inputs[start : start + size])).numpy()
        for start in range(0, len(inputs), size)
    ]
    return np.concatenate(parts)
