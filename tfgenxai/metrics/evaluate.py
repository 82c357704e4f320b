"""The numbers of a model card, measured on the exported SavedModel."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.latent.generator import find_generator
from tfgenxai.metrics import GENERATED_IMAGES
from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.clusters import cluster_means, cluster_metrics
from tfgenxai.metrics.draws import draw, writes_words
from tfgenxai.metrics.generation import generation_report
from tfgenxai.metrics.likelihood import active_units, importance_bound
from tfgenxai.metrics.written import reading_report, writing_report
from tfgenxai.saved.card import write_card

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel


def evaluate(
    model: SavedModel,
    data: ImageData,
    *,
    binarize: bool = False,
    train: ImageData | None = None,
    classifier: SavedModel | None = None,
    generated: int = GENERATED_IMAGES,
    skip: Collection[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics that the model's signatures allow, each with the number of images it was taken on.

    Args:
        data: held-out images; words for a model of words.
        binarize: threshold the images at 0.5 first, for models trained on binary images.
        train: what the model was trained on.
        classifier: SavedModel with `classify`, which judges generated images, or `recognise` for
            words. What a model draws is measured where this and `train` are given, against images
            that are not binarised: so a VAE of binary images and a GAN of grey ones are measured
            on one scale.
        generated: how many images a GAN's generator or a VAE's decoder draws.
        skip: parts of `tfgenxai.metrics.generation.generation_report` to leave out, or of
            `tfgenxai.metrics.written.writing_report`.
    """
    images = (data.binarized() if binarize else data).images
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
    if "cluster" in model and data.labels is not None:
        metrics |= cluster_metrics(model["cluster"], images, data.labels)
    if "recognise" in model and "generate" not in model:
        metrics |= reading_report(model, data, seed=seed)
    if classifier is None or train is None:
        return metrics
    if writes_words(model):
        metrics |= writing_report(
            model, data, train, classifier, generated=generated, seed=seed, skip=skip
        )
    elif find_generator(model) is not None:
        classes = classifier["classify"].outputs["probabilities"].shape[1]
        draws = draw(model, generated, classes=classes, seed=seed)
        metrics |= generation_report(
            draws.images, train, data, classifier, labels=draws.labels, seed=seed, skip=skip
        )
    return metrics


def measure(
    model: SavedModel,
    data: ImageData,
    *,
    train: ImageData | None = None,
    classifier: SavedModel | None = None,
    generated: int = GENERATED_IMAGES,
    skip: Collection[str] = (),
    seed: int = 0,
    note: bool = True,
) -> dict[str, Any]:
    """`evaluate`, binarising for models whose card says so.

    With `note`, the result is added to the card when `data` is the set the model was trained on.
    """
    card = model.card or {}
    trained_on = model.trained_on
    binarize = trained_on.get("binarized", False)
    metrics = evaluate(
        model,
        data,
        binarize=binarize,
        train=train,
        classifier=classifier,
        generated=generated,
        skip=skip,
        seed=seed,
    )
    metrics |= {"test_data": data.name, "test_source": data.source}
    if note and trained_on.get("name") == data.name:
        write_card(model.path, card | {"metrics": card.get("metrics", {}) | metrics})
    return metrics


def likelihood_metrics(model: SavedModel, images: np.ndarray, seed: int) -> dict[str, Any]:
    """ELBO on all images, and the IWAE bound with 50 draws on the first 1,000."""
    bounds = {}
    means = cluster_means(model) if "draw_cluster" in model else None
    for name, samples, count in (("elbo", 1, len(images)), ("iwae_50", 50, 1000)):
        values = importance_bound(
            model["encode"],
            model["decode"],
            images[:count],
            samples=samples,
            seed=seed,
            means=means,
        )
        bounds[name] = float(values.mean())
        bounds[f"{name}_images"] = len(values)
    return bounds
