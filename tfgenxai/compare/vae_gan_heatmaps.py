"""Heatmaps of both models: latent Grad-CAM, Grad-CAM of the discriminator, saliency, tweaking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.attribution import Attribution, GradCAM, LatentGradCAM, Saliency
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.scores import Scores
from tfgenxai.pictures import upsample
from tfgenxai.targets import ClassLogit, Discriminator, Latent, NegativeElbo, ReconstructionError

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan

_SHOWN = 5
_NODES = 4
_JUDGED = 3
_TWEAKED = 3
_STEPS = 9
_REACH = 2.5


def add_latent_heatmaps(comparison: VaeGan) -> None:
    """Which pixels each latent coordinate of the VAE looks at."""
    material, encode = comparison.material, comparison.vae["encode"]
    method = LatentGradCAM(encode)
    layer = method.layer_name
    method(material.images[:2], Latent.all())
    started = time.perf_counter()
    maps = method(material.images, Latent.all(), progress=False)
    seconds = time.perf_counter() - started
    nodes = [int(node) for node in material.active_order()[:_NODES]]
    shown = one_of_each(material.labels)[:_SHOWN]
    within, between = _similarity(maps.values, material.labels)
    comparison.results["latent_grad_cam"] = {
        "layer": layer,
        "ms_per_image": 1e3 * seconds / len(material.images),
        "latents": maps.values.shape[1],
        "similarity_within_digit": within,
        "similarity_between_digits": between,
        "mass_on_stroke": stroke_mass(maps, material.images),
        "stroke_share": float(np.mean(material.images > 0.5)),
    }
    numbers = comparison.results["latent_grad_cam"]
    comparison.section(
        "Heatmaps",
        "Grad-CAM weighs the feature maps of a convolution by the mean gradient of the explained "
        "scalar (Selvaraju et al. 2017); latent Grad-CAM does so for every latent coordinate "
        "(Liu et al. 2020).",
    )
    comparison.figure(
        "latent-grad-cam",
        plots.latent_heatmaps(material.images[shown], maps[shown], nodes),
        f"Latent Grad-CAM at `{layer}` for the {len(nodes)} coordinates with the largest KL, and "
        f"the mean over all {numbers['latents']}. Over {len(material.images):,} images, "
        f"{100 * numbers['mass_on_stroke']:.1f} % of the relevance lies on strokes, which are "
        f"{100 * numbers['stroke_share']:.1f} % of the pixels; maps of two images of one digit "
        f"correlate by {within:.2f}, of different digits by {between:.2f}. "
        f"All {numbers['latents']} maps took {numbers['ms_per_image']:.2f} ms an image.",
    )


def add_discriminator_heatmaps(comparison: VaeGan) -> None:
    """Where the discriminator looks, on real and on generated images."""
    material, judge = comparison.material, comparison.gan["discriminate"]
    asked = material.labels if material.asked is None else material.asked
    images = np.concatenate([material.grey[:_JUDGED], material.gan_samples[:_JUDGED]])
    labels = np.concatenate([material.labels[:_JUDGED], asked[:_JUDGED]])
    all_real = Scores(
        judge, material.given(material.grey, material.labels), Discriminator()
    ).plain()
    all_fake = Scores(judge, material.given(material.gan_samples, asked), Discriminator()).plain()
    logits = np.concatenate([all_real[:_JUDGED], all_fake[:_JUDGED]])
    right = float(np.mean(all_real > 0) + np.mean(all_fake < 0)) / 2
    numbers = {
        "balanced_accuracy": right,
        "mean_logit_real": float(all_real.mean()),
        "mean_logit_generated": float(all_fake.mean()),
    }
    try:
        method = GradCAM(judge)
    except LayerNotFoundError:
        comparison.results["discriminator"] = numbers
        comparison.text(
            "The discriminator has no convolution, and so no feature maps for Grad-CAM. It tells "
            f"real from generated in {100 * right:.1f} % of the cases."
        )
        return
    layer = method.layer_name
    comparison.results["discriminator"] = {"layer": layer, **numbers}
    cam = method(material.given(images, labels), Discriminator(), progress=False)
    names = [
        f"{kind}\nlogit {logit:+.1f}"
        for kind, logit in zip(["real"] * _JUDGED + ["drawn"] * _JUDGED, logits, strict=True)
    ]
    comparison.figure(
        "discriminator-grad-cam",
        plots.overlay(cam, images, row_names=names, title="Evidence for real"),
        f"Grad-CAM of the discriminator's logit at `{layer}`, on {_JUDGED} test images and "
        f"{_JUDGED} generated ones: where it finds evidence for a real image (empty: nowhere). "
        f"It tells real from generated in {100 * right:.1f} % of the cases; near 50 % it "
        "cannot, and its heatmaps say little.",
    )


def add_saliency(comparison: VaeGan) -> None:
    """The four kinds: reconstruction error, latent mean, class, and the ELBO in latent space."""
    material = comparison.material
    shown = one_of_each(material.labels)[:_SHOWN]
    images, labels = material.images[shown], material.labels[shown]
    node = int(material.active_order()[0])
    classify = comparison.classifier["classify"]
    kinds = {
        "reconstruction error": Saliency(comparison.vae["reconstruct"])(
            images, ReconstructionError()
        ),
        f"latent mean z{node}": Saliency(comparison.vae["encode"])(images, Latent(node)),
        "class probability": Saliency(classify)(images, ClassLogit(labels, output="probabilities")),
    }
    drawn, seen = material.gan_samples[:_SHOWN], material.gan_labels[:_SHOWN]
    of_drawn = Saliency(classify)(drawn, ClassLogit(seen, output="probabilities"))
    on_stroke = {name: stroke_mass(values, images) for name, values in kinds.items()}
    comparison.results["saliency_mass_on_stroke"] = on_stroke
    masses = ", ".join(f"{name} {100 * mass:.0f} %" for name, mass in on_stroke.items())
    comparison.figure(
        "saliency",
        plots.overlay(
            np.stack([maps.values for maps in kinds.values()], axis=1),
            images,
            target_names=list(kinds),
            title="Saliency",
            over=False,
        ),
        "Saliency |df/dx| of three scalars (Simonyan et al. 2014): which pixels, changed a "
        f"little, would change each most. On these images the share on the strokes is: {masses}.",
    )
    comparison.figure(
        "saliency-gan",
        plots.overlay(
            of_drawn,
            drawn,
            target_names=["class probability"],
            row_names=[f"seen as {label}" for label in seen],
            title="Saliency on GAN samples",
            over=False,
        ),
        "The same on images of the generator: the pixels that the classifier's verdict hangs on.",
    )
    slopes = _elbo_slopes(comparison)
    comparison.results["elbo_saliency"] = slopes.mean(axis=0).tolist()
    strongest = int(slopes.mean(axis=0).argmax())
    comparison.figure(
        "saliency-elbo",
        plots.bars(
            slopes.mean(axis=0),
            [f"z{i}" for i in range(slopes.shape[1])],
            title="Saliency of the ELBO in latent space",
            xlabel="mean |dELBO/dz|, nats per unit",
            errors=1.96 * slopes.std(axis=0) / np.sqrt(len(slopes)),
        ),
        f"How fast the ELBO changes when a coordinate leaves the posterior mean, over "
        f"{len(slopes)} images with 95 % intervals: the ELBO is most sensitive to z{strongest}.",
    )


def add_traversal(comparison: VaeGan) -> None:
    """What tweaking a latent coordinate changes, beside the pixels that it reads."""
    material, decode = comparison.material, comparison.vae["decode"]
    nodes = [int(node) for node in material.active_order()[:_TWEAKED]]
    start = int(one_of_each(material.labels)[-1])
    values = np.linspace(-_REACH, _REACH, _STEPS, dtype=np.float32)
    codes = np.repeat(material.means[start][None], len(nodes) * _STEPS, axis=0)
    for row, node in enumerate(nodes):
        codes[row * _STEPS : (row + 1) * _STEPS, node] = values
    images = batched(decode.function("z", "image"), codes)
    grid = images.reshape(len(nodes), _STEPS, *images.shape[1:])
    encode = comparison.vae["encode"]
    maps = LatentGradCAM(encode)(material.images[start : start + 1], Latent(tuple(nodes)))
    votes = comparison.classifier["classify"].function("image", "probabilities")
    digits = batched(votes, images).argmax(axis=1).reshape(len(nodes), _STEPS)
    seen = {
        f"z{node}": [int(d) for d in dict.fromkeys(row)]
        for node, row in zip(nodes, digits, strict=True)
    }
    comparison.results["traversal_digits"] = seen
    read = "; ".join(f"{name}: {', '.join(map(str, found))}" for name, found in seen.items())
    comparison.figure(
        "tweaking",
        plots.latent_traversal(
            grid, values, nodes, heatmaps=maps.values[0], image=material.images[start]
        ),
        f"One coordinate at a time moved from -{_REACH} to +{_REACH}, the others kept at the "
        "posterior mean of the input, beside the latent Grad-CAM of that coordinate. "
        f"Digits that the classifier reads along the way: {read}.",
    )


def one_of_each(labels: np.ndarray) -> np.ndarray:
    """The place of the first image of every label, in the labels' order."""
    return np.unique(labels, return_index=True)[1]


def stroke_mass(maps: Attribution | np.ndarray, images: np.ndarray) -> float:
    """Share of the (positive) relevance that lies on pixels brighter than one half, in [0, 1]."""
    values = np.asarray(getattr(maps, "values", maps))
    values = values.sum(axis=-1) if values.shape[-1] == 1 else values
    flat = values.reshape(-1, *values.shape[-2:])
    flat = upsample(flat, *images.shape[1:3])
    full = np.maximum(flat, 0).reshape(len(images), -1, *images.shape[1:3]).mean(axis=1)
    return float((full * (images[..., 0] > 0.5)).sum() / max(full.sum(), np.finfo(float).tiny))


def _elbo_slopes(comparison: VaeGan) -> np.ndarray:
    material = comparison.material
    count = min(256, len(material.images))
    means, logvars = material.means[:count], material.logvars[:count]
    target = NegativeElbo(images=material.images[:count], mean=means, logvar=logvars)
    return Saliency(comparison.vae["decode"])(means, target, progress=False).values


def _similarity(maps: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean correlation of two images' stacks of maps, within a digit and between digits."""
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.finfo(float).tiny)
    correlations = flat @ flat.T
    same = labels[:, None] == labels[None]
    apart = ~np.eye(len(labels), dtype=bool)
    return float(correlations[same & apart].mean()), float(correlations[~same].mean())
