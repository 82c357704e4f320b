"""Attacks on the VAE: whether they change the pixels that explanations of its latents mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attacks import LatentAttack, OutputAttack, Redirected
from tfgenxai.attacks.vae import others_of
from tfgenxai.attribution import LatentGradCAM, Saliency
from tfgenxai.compare.attacks_agreement import likeness
from tfgenxai.compare.attacks_restricted import MIDDLE, OWN, RANDOM
from tfgenxai.metrics.agreement import top_places
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.features import read
from tfgenxai.metrics.intervals import interval, proportion
from tfgenxai.metrics.relevance import relevance_maps
from tfgenxai.targets import Latent

if TYPE_CHECKING:
    from tfgenxai.compare.attacks import Attacks

#: Images that are attacked, at most, and the length of a change.
MOST, LENGTH = 100, 3.0
_STEPS = 30
_SHOWN = 6


def add_vae(comparison: Attacks) -> None:
    """Latent and output attacks, and explanations of the latents."""
    subjects = comparison.subjects
    count = min(comparison.results["images"], MOST)
    images, labels = subjects.images(count), subjects.labels(count)
    other = others_of(labels, count)
    latent = LatentAttack(subjects.vae, eps=LENGTH, steps=_STEPS)
    output = OutputAttack(subjects.vae, eps=LENGTH, steps=_STEPS)
    found = {attack.name: attack(images, images[other]) for attack in (latent, output)}
    comparison.section("The VAE: attacks on its code", _READING)
    classify = subjects.classifier["classify"]
    comparison.table(
        "vae-attacks",
        [
            _success_row(name, each, labels, labels[other], classify)
            for name, each in found.items()
        ],
        "Share of the distance to the goal that is closed (in latent space, or in pixels); of the "
        "reconstructions that are nearer to the goal than to the image; and what the classifier "
        "sees in them.",
        columns=("attack", "images", "l2", "closed", "closed_low", "closed_high", "nearer",
                 "own_digit", "goal_digit"),
    )  # fmt: skip
    few = found["latent"]
    comparison.figure(
        "vae-attacked",
        plots.attacked(
            few.images[:_SHOWN],
            few.adversarial[:_SHOWN],
            more={
                "reconstruction": few.restored[:_SHOWN],
                "after": few.restored_after[:_SHOWN],
                "goal": few.goals[:_SHOWN],
            },
            title="Latent attack on the VAE",
        ),
        f"Each image is led to the code of the goal, with a change of length {LENGTH:g}.",
    )
    maps = latent_maps(comparison, images, other)
    rows = []
    for name, values in maps.items():
        alike = likeness(few.sizes, values, other, comparison.seed)
        rows.append({"method": name, **alike, **_confined(latent, few, values, comparison.seed)})
    rows += [
        {"method": name, "images": count, **_confined(latent, few, values, comparison.seed)}
        for name, values in (
            (OWN, few.sizes),
            (RANDOM, np.random.default_rng(comparison.seed).random(few.sizes.shape)),
        )
    ]
    comparison.results["vae"] = rows
    comparison.table(
        "vae-agreement",
        rows,
        f"The latent attack against explanations of the latents; closed: the share of the distance "
        f"that is closed when only the first {MIDDLE} pixels of the map may change.",
        columns=("method", "images", "spearman", "spearman_other", "spearman_random",
                 "spearman_gain", "iou", "iou_other", "iou_chance", "closed", "closed_low",
                 "closed_high"),
    )  # fmt: skip
    shown = min(3, count)
    stacked = {"latent attack": few.sizes, **maps}
    comparison.figure(
        "vae-maps",
        plots.overlay(
            np.stack([each[:shown] for each in stacked.values()], axis=1),
            images[:shown],
            target_names=list(stacked),
            over=False,
            title="What a latent attack changes, and what explanations of the latents mark",
        ),
        "Sizes of the change and of the relevance, each map on its own scale.",
    )


def latent_maps(
    comparison: Attacks, images: np.ndarray, other: np.ndarray
) -> dict[str, np.ndarray]:
    """Explanations of all latents together, sizes (N, H, W).

    The mean latent Grad-CAM, the mean size of the latents' gradients, and the gradient along the
    way to the goal: of the code's component in the direction of the goal's code.
    """
    encode = comparison.subjects.vae["encode"]
    cams = LatentGradCAM(encode)(images, Latent.all(), progress=False)
    slopes = Saliency(encode, signed=True)(images, Latent.all(), progress=False).values.sum(axis=-1)
    means = batched(encode.function("image", "mean"), images)
    way = means[other] - means
    return {
        "latent_grad_cam": relevance_maps(cams.mean_map()),
        "saliency": np.abs(slopes).mean(axis=1),
        "saliency of the way": np.abs(np.einsum("nthw,nt->nhw", slopes, way)),
    }


def _confined(
    attack: LatentAttack, whole: Redirected, maps: np.ndarray, seed: int
) -> dict[str, float]:
    masks = top_places(maps.reshape(len(maps), -1), MIDDLE, (seed, MIDDLE)).reshape(maps.shape)
    return interval(attack(whole.images, whole.goals, mask=masks).closed).row("closed")


def _success_row(
    name: str, found: Redirected, own: np.ndarray, goal: np.ndarray, classify: Any
) -> dict[str, Any]:
    votes = read(classify, found.restored_after).votes
    return {
        "attack": name,
        "images": len(found),
        "l2": float(np.median(found.norms()["l2"])),
        **interval(found.closed).row("closed"),
        **proportion(int(found.success.sum()), len(found)).row("nearer"),
        "own_digit": float(np.mean(votes == own)),
        "goal_digit": float(np.mean(votes == goal)),
    }


_READING = """\
An image is changed so that the VAE's code, or its reconstruction, becomes that of an image of \
another digit (Kos, Fischer and Song 2018). The maps explain the latents: the mean of the latent \
Grad-CAM maps (Liu et al. 2020), the mean size of the latents' gradients, and the gradient along \
the way from the code to the goal's."""
