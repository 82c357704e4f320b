"""The neurons of both models: who is active, what drives a channel, which layers matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.evaluate import batched
from tfgenxai.neurons import ImageChange, activations, layer_contributions, maximise
from tfgenxai.targets import Unit

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan
    from tfgenxai.graph import Graph

_SEEN = 300
_ABLATED, _SETS = 32, 3
_STEPS = 96
_CHANNELS = 4
_MAPS = 4  # rank of feature maps


def add_neurons(comparison: VaeGan) -> None:
    """Activations, maximised channels and the layers' contributions to the image."""
    material = comparison.material
    comparison.section(
        "Neurons",
        "What the layers of the VAE's decoder and of the GAN's generator do when they draw: how "
        "many of their units ever change, the code that drives a channel highest (gradient ascent "
        "on the latent code, kept to the norm of a typical draw), and how much the image changes "
        "when half of a layer's units are held at their mean.",
    )
    networks = {
        "VAE decoder": (comparison.vae["decode"], material.means, material.labels),
        "GAN generator": (comparison.gan["generate"], material.noise, material.gan_labels),
    }
    summaries, losses = [], {}
    for name, (graph, codes, _) in networks.items():
        summary = activations(graph, codes[:_SEEN], progress=False).summary
        summaries += [{"network": name, **row} for row in summary.to_dict("records")]
        _add_maximised(comparison, name, graph)
        losses[name] = layer_contributions(
            graph,
            codes[:_ABLATED],
            ImageChange(),
            draws=_SETS,
            seed=comparison.seed,
            progress=False,
        )
    comparison.table(
        "activations",
        summaries,
        f"Activations of every layer over {min(_SEEN, len(material.means))} codes; zeros: share "
        "of activations that are 0, as of a ReLU that is off; dead: units that never change.",
        columns=["network", "layer", "units", "mean", "std", "zeros", "dead"],
    )
    for name, frame in losses.items():
        slug = name.split()[0].lower()
        comparison.frames[f"contributions-{slug}"] = frame
        comparison.figure(
            f"contributions-{slug}",
            plots.layer_bars(
                frame,
                ["random", "strongest"],
                title=f"{name}: half of a layer's units held at their mean",
                label="change of the image (MSE, 95 % interval)",
            ),
            f"How much the {name}'s image changes, {_ABLATED} codes: half of the units at random, "
            "and the half that matters most by gradient times activation.",
        )
        most = frame.loc[frame["random"].idxmax()]
        comparison.finding(
            f"{name}: the layer that its image depends on most is `{most['layer']}` (squared "
            f"change {most['random']:.3g} [{most['random_low']:.3g}, {most['random_high']:.3g}] "
            "with half of its units held at their mean)."
        )
    comparison.results["activations"] = summaries
    comparison.results["contributions"] = {name: frame for name, frame in losses.items()}


def _add_maximised(comparison: VaeGan, name: str, graph: Graph) -> None:
    """The images that maximise the first channels of the first layer with feature maps."""
    layer = next(
        x.name
        for x in graph.layers
        if x.variables and x.output_shape is not None and len(x.output_shape) == _MAPS
    )
    found = maximise(
        graph,
        Unit(layer, tuple(range(_CHANNELS))),
        steps=_STEPS,
        restarts=4,
        # The corners of the box are far from any draw, and lead to images unlike any drawn.
        radius=math.sqrt(graph.inputs["z"].shape[1]),
        seed=comparison.seed,
        progress=False,
    )
    maps: Any = batched(graph.function("z", layer), found.best_codes.astype(np.float32))
    channels = np.arange(_CHANNELS)
    table = found.table()
    slug = name.split()[0].lower()
    comparison.results[f"maximised-{slug}"] = table
    comparison.figure(
        f"maximised-{slug}",
        plots.maximised(found, maps[channels, :, :, channels], title=f"{name}: {layer}"),
        f"The image whose code drives each channel of `{layer}` highest, beside the channel's "
        f"map. Chance: the best of {found.random_count:,} random codes, which may be of larger "
        f"norm. The climb ends {table['gain'].mean():+.2g} standard deviations from it; restarts "
        f"agree by a cosine of {table['agreement'].mean():.2f}.",
    )
