"""Conclusions about neurons and heatmaps: are they alike for one digit, do they show strokes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.panel import built
from tfgenxai.compare.study import Conclusion, Study, common
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.localisation import chance, relevance_mass
from tfgenxai.metrics.randomisation import randomised, weighted_layers
from tfgenxai.neurons import activations, class_similarity
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Target

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

#: Activations of large layers and maps are compared on this many images.
COMPARED = 300


def consistency(found: Comparison, study: Study) -> None:
    """Whether neurons and heatmaps are alike for two images of one digit."""
    m, subjects = study.material, study.subjects
    count = min(COMPARED, len(m.images))
    seen = {
        "VAE encoder": (subjects.vae["encode"], m.images, m.labels),
        "VAE decoder": (subjects.vae["decode"], m.means, m.labels),
        "GAN generator": (subjects.gan["generate"], m.noise, m.gan_labels),
        "GAN discriminator": (subjects.gan["discriminate"], m.grey, m.labels),
    }
    rows: list[dict[str, Any]] = []
    for name, (graph, inputs, labels) in seen.items():
        kept = common(labels[:count])
        recorded = activations(graph, inputs[:count][kept], progress=False)
        frame = class_similarity(recorded, labels[:count][kept], seed=study.seed)
        rows += [{"network": name, **row} for row in frame.to_dict("records")]
    kept = common(m.labels[:count])
    maps = _heatmaps(subjects, m.images[:count][kept], m.grey[:count][kept])
    frame = class_similarity(maps, m.labels[:count][kept], seed=study.seed)
    rows += [{"network": "heatmaps", **row} for row in frame.to_dict("records")]
    found.section(
        "Similar digits activate the same neurons",
        "If so, the activations of two images of one digit are more alike than those of two "
        "different digits. Each neuron's mean over all images is taken away first: what all "
        "images have in common does not count.",
    )
    found.table(
        "consistency",
        rows,
        f"Similarity of activations (and of heatmaps) within and between digits, {count} images; "
        "p-values by shuffling the labels.",
        columns=["network", "layer", "within", "between", "difference", "p_value"],
    )
    found.figure(
        "consistency",
        plots.bars(
            [row["difference"] for row in rows],
            [f"{row['network']}: {row['layer']}" for row in rows],
            title="Within minus between digits",
            xlabel="difference of mean similarity (95 % interval)",
            errors=[(row["difference_high"] - row["difference_low"]) / 2 for row in rows],
        ),
        "How much more alike two images of one digit are than two of different digits, layer by "
        "layer. 0: the digit makes no difference.",
    )
    for name in [*seen, "heatmaps"]:
        own = [row for row in rows if row["network"] == name]
        passed = [row for row in own if row["difference_low"] > 0 and row["p_value"] < 0.05]
        most = max(own, key=lambda row: row["difference"])
        study.conclusions.append(
            Conclusion(
                "Similar digits activate the same neurons",
                name,
                f"{len(passed)} of {len(own)} layers or maps are more alike within a digit than "
                f"between digits, most of all {most['layer']} (by {most['difference']:.2f})",
                "shuffled labels differ by 0",
                len(passed) > len(own) / 2,
                "difference above 0 (interval and p < 0.05) in most layers",
            )
        )


def strokes(found: Comparison, study: Study) -> None:
    """Whether relevance lies on strokes, more than chance and an untrained network would put."""
    m, subjects = study.material, study.subjects
    count = min(COMPARED, len(m.images))
    encode, judge = subjects.vae["encode"], subjects.gan["discriminate"]
    node = int(m.active_order()[0])
    networks: dict[str, tuple[Graph, np.ndarray, Target]] = {
        f"VAE encoder (z{node})": (encode, m.images[:count], Latent(node)),
        "GAN discriminator": (judge, m.grey[:count], Discriminator()),
        "classifier": (
            subjects.classifier["classify"],
            m.grey[:count],
            ClassLogit(m.labels[:count]),
        ),
    }
    rows: list[dict[str, Any]] = []
    for name, (graph, images, target) in networks.items():
        blank = randomised(graph, weighted_layers(graph, target), study.seed)
        masks = images[..., 0] > 0.5
        for method in ("saliency", "lrp", "grad_cam"):
            trained, untrained = (
                interval(relevance_mass(built(method, g)(images, target, progress=False), masks))
                for g in (graph, blank)
            )
            rows.append(
                {
                    "network": name,
                    "method": method,
                    **trained.row("mass"),
                    **untrained.row("untrained"),
                    "chance": float(chance(masks).mean()),
                }
            )
    found.section(
        "The models look at structurally important pixels",
        "If so, relevance lies on the strokes more than chance (the strokes' share of the pixels) "
        "and more than that of the same network with weights drawn anew: a method that multiplies "
        "by the pixel finds ink in any network.",
    )
    found.table(
        "strokes",
        rows,
        f"Share of the positive relevance that lies on strokes, {count} images; 95 % intervals in "
        "the file.",
        columns=["network", "method", "mass", "mass_low", "mass_high", "untrained", "chance"],
    )
    for name in networks:
        own = [row for row in rows if row["network"] == name]
        passed = [r for r in own if r["mass_low"] > max(r["chance"], r["untrained_high"])]
        study.conclusions.append(
            Conclusion(
                "The models look at structurally important pixels",
                name,
                "Relevance on strokes: "
                + ", ".join(f"{row['method']} {100 * row['mass']:.0f} %" for row in own),
                f"chance {100 * own[0]['chance']:.0f} %, untrained "
                + ", ".join(f"{100 * row['untrained']:.0f} %" for row in own),
                len(passed) > len(own) / 2,
                "above chance and above an untrained network for most methods",
            )
        )


def _heatmaps(subjects: Subjects, images: np.ndarray, grey: np.ndarray) -> Mapping[str, np.ndarray]:
    """Maps of the encoder's latents together, and of the discriminator: (N, places) each."""
    encode, judge = subjects.vae["encode"], subjects.gan["discriminate"]
    maps = {}
    for name in ("latent_grad_cam", "saliency"):
        found = built(name, encode)(images, Latent.all(), progress=False).values
        maps[f"encoder {name}"] = found.reshape(len(images), -1)
    for name in ("grad_cam", "saliency"):
        found = built(name, judge)(grey, Discriminator(), progress=False).values
        maps[f"discriminator {name}"] = found.reshape(len(grey), -1)
    return maps
