"""The neurons of both models: who is active, what drives a channel, which layers matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.generator import Generator
from tfgenxai.latent.spaces import first_hidden
from tfgenxai.neurons import ImageChange, activations, layer_contributions, maximise
from tfgenxai.targets import Unit

if TYPE_CHECKING:
    from tfgenxai.compare.vae_gan import VaeGan

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
        "VAE decoder": (Generator(comparison.vae["decode"]), material.means, None),
        "GAN generator": (material.generator, material.noise, material.asked),
    }
    summaries, losses = [], {}
    for name, (generator, codes, labels) in networks.items():
        graph = generator.graph

        def given(count: int, codes: np.ndarray = codes, labels: Any = labels) -> dict[str, Any]:
            fed = {"z": codes[:count]}
            return fed if labels is None else fed | {"label": labels[:count]}

        summary = activations(graph, given(_SEEN), progress=False).summary
        summaries += [{"network": name, **row} for row in summary.to_dict("records")]
        _add_maximised(comparison, name, generator, codes)
        losses[name] = layer_contributions(
            graph,
            given(_ABLATED),
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


def _add_maximised(comparison: VaeGan, name: str, generator: Generator, codes: np.ndarray) -> None:
    """The images that maximise the first channels of the first layer with feature maps.

    Of a generator without feature maps, those of its first hidden layer.
    """
    graph = generator.graph
    maps_of = [
        x.name
        for x in graph.layers
        if x.variables and x.output_shape is not None and len(x.output_shape) == _MAPS
    ]
    layer = maps_of[0] if maps_of else first_hidden(graph)
    label = 0 if generator.conditional else None
    found = maximise(
        graph,
        Unit(layer, tuple(range(_CHANNELS))),
        steps=_STEPS,
        restarts=4,
        # The corners of the box are far from any draw, and lead to images unlike any drawn.
        radius=_radius(generator, codes),
        fixed=generator.extra(label),
        prior=generator.prior,
        seed=comparison.seed,
        progress=False,
    )
    channels = np.arange(_CHANNELS)
    maps = None
    if maps_of:
        best = decoded(graph, found.best_codes, extra=generator.extra(label), fetch=layer)
        maps = best[channels, :, :, channels]
    table = found.table()
    slug = name.split()[0].lower()
    comparison.results[f"maximised-{slug}"] = table
    comparison.figure(
        f"maximised-{slug}",
        plots.maximised(found, maps, title=f"{name}: {layer}"),
        f"The image whose code drives each channel of `{layer}` highest"
        + ("" if maps is None else ", beside the channel's map")
        + ("" if label is None else f", of the label {label}")
        + f". Chance: the best of {found.random_count:,} random codes, which may be of larger "
        f"norm. The climb ends {table['gain'].mean():+.2g} standard deviations from it; restarts "
        f"agree by a cosine of {table['agreement'].mean():.2f}.",
    )


def _radius(generator: Generator, codes: np.ndarray) -> float:
    """The norm of a typical code that the prior draws."""
    if generator.prior is None:
        return math.sqrt(generator.width)
    return float(np.sqrt(np.square(codes).sum(axis=1).mean()))
