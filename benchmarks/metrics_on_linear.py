"""The metrics themselves: the exact explanation of a linear model must score best on each.

    python -m benchmarks.metrics_on_linear

Every sample is an image x and a linear model f(x) = w . x + b of its own. The contributions w x are
exact; what stands beside them is the exact map spoilt: with noise as large as itself, without its
signs, with its places shuffled, with its signs turned, and a random map. Means over the samples
with half the width of their 95 % intervals. `best on` is the share of samples on which no spoilt
map has a better value than the exact one.

Of complexity nothing is asked: how sparse a map is does not say whether it is right. Latent
deletion reads sizes alone, and scaled infidelity may turn a map's sign: there a map may draw level.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfgenxai.metrics import agreement, faithfulness, latent_faithfulness, localisation
from tfgenxai.metrics.intervals import interval
from tfgenxai.quiet import import_tensorflow

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

BIAS = 1.0
LATENTS = 12
#: float32 sums of the models' scores are exact to about this share.
LEVEL = 1e-5


class Measured(NamedTuple):
    """One metric of every explanation.

    Attributes:
        sign: 1 where higher is better, -1 where lower is.
        values: explanation -> (N,).
    """

    sign: int
    values: dict[str, np.ndarray]

    @property
    def best(self) -> np.ndarray:
        """Whether no explanation is better than the exact one, (N,), beyond rounding."""
        signed = {name: self.sign * each for name, each in self.values.items()}
        slack = LEVEL * np.nanmax(np.abs(np.stack([*self.values.values()])))
        beaten = np.any([each > signed["exact"] + slack for each in signed.values()], axis=0)
        return np.isfinite(signed["exact"]) & ~beaten


class Models(NamedTuple):
    """Linear models, one a sample.

    Attributes:
        graph: (image, weights) -> the sum of their product, plus `BIAS`.
        inputs: image (N, side, side, channels) in [0, 1], and weights of the same shape.
    """

    graph: Graph
    inputs: dict[str, np.ndarray]

    @property
    def target(self) -> Any:
        """The model's only output."""
        from tfgenxai.targets import Output

        return Output(next(iter(self.graph.outputs)), 0)

    @property
    def contributions(self) -> np.ndarray:
        """The exact explanation (N, side, side), against a black image."""
        return (self.inputs["image"] * self.inputs["weights"]).sum(axis=-1, dtype=np.float64)

    @property
    def slopes(self) -> np.ndarray:
        """What all channels of a pixel change f by together, (N, side, side)."""
        return self.inputs["weights"].sum(axis=-1, dtype=np.float64)


def models(count: int, side: int = 12, channels: int = 1, seed: int = 0) -> Models:
    """`count` images and models, uniform and standard normal."""
    rng = np.random.default_rng(seed)
    shape = (count, side, side, channels)
    image = rng.random(shape).astype(np.float32)
    weights = rng.standard_normal(shape).astype(np.float32)
    return Models(linear_graph(side, channels), {"image": image, "weights": weights})


def linear_graph(side: int, channels: int = 1) -> Graph:
    """The graph of `Models`, from a Keras model."""
    import keras

    from tfgenxai.graph import Graph

    image, weights = (
        keras.Input((side, side, channels), name=name) for name in ("image", "weights")
    )
    product = keras.layers.Dot(axes=1)([keras.layers.Flatten()(v) for v in (image, weights)])
    output = keras.layers.Rescaling(1.0, offset=BIAS, name="output")(product)
    return Graph.from_keras(keras.Model([image, weights], output))


def linear_decoder(
    count: int, side: int = 8, seed: int = 0
) -> tuple[Graph, np.ndarray, np.ndarray]:
    """A decoder with orthogonal columns, codes (N, d), and what each dimension changes (N, d)."""
    import keras

    from tfgenxai.graph import Graph

    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((side * side, LATENTS)))[0]
    columns = basis * rng.uniform(0.5, 2.0, LATENTS)
    z = keras.Input((LATENTS,), name="z")
    dense = keras.layers.Dense(side * side, use_bias=False)
    image = keras.layers.Reshape((side, side, 1), name="image")(dense(z))
    dense.set_weights([columns.T.astype(np.float32)])
    codes = rng.standard_normal((count, LATENTS)).astype(np.float32)
    changes = codes**2 * (columns**2).sum(axis=0)
    return Graph.from_keras(keras.Model(z, image)), codes, changes


def spoilt(exact: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """The exact maps (N, ...) and what is left of them."""
    rng = np.random.default_rng([seed, 1])
    flat = exact.reshape(len(exact), -1)
    noise = rng.standard_normal(exact.shape) * flat.std(axis=1).reshape(-1, *[1] * (exact.ndim - 1))
    return {
        "exact": exact,
        "noised": exact + noise,
        "absolute": np.abs(exact),
        "permuted": rng.permuted(flat, axis=1).reshape(exact.shape),
        "random": rng.standard_normal(exact.shape),
        "flipped": -exact,
    }


def measure(count: int, seed: int = 0, side: int = 12) -> dict[str, Measured]:
    """Every metric of the exact explanation and the spoilt ones; name -> values."""
    linear = models(count, side, seed=seed)
    maps = spoilt(linear.contributions, seed)
    asked = (linear.graph, linear.inputs, linear.target)
    found: dict[str, Measured] = {}

    def add(name: str, sign: int, values: dict[str, np.ndarray]) -> None:
        found[name] = Measured(sign, values)

    for name, sign in (("deletion", -1), ("insertion", 1), ("pixel_flipping", 1)):
        curve = getattr(faithfulness, name)
        add(name, sign, {k: curve(*asked, each, seed=seed).area for k, each in maps.items()})
    add(
        "faithfulness correlation",
        1,
        {k: faithfulness.faithfulness_correlation(*asked, m, seed=seed) for k, m in maps.items()},
    )
    for name, options in (
        ("infidelity", {}),
        ("infidelity, scaled", {"scaled": True}),
        ("infidelity, noise", {"perturbation": "noise"}),
    ):
        given = spoilt(linear.slopes, seed) if "perturbation" in options else maps
        add(
            name,
            -1,
            {k: faithfulness.infidelity(*asked, m, seed=seed, **options) for k, m in given.items()},
        )
    decode, codes, changes = linear_decoder(count, seed=seed)
    add(
        "latent deletion",
        1,
        {
            k: latent_faithfulness.latent_deletion(decode, codes, each, seed=seed).area
            for k, each in spoilt(changes, seed).items()
        },
    )
    speaks_for = linear.contributions > 0
    for name in ("relevance_mass", "relevance_rank", "pointing", "auroc"):
        metric = getattr(localisation, name)
        add(name.replace("_", " "), 1, {k: metric(each, speaks_for) for k, each in maps.items()})
    for name in agreement.MEASURES:
        add(
            f"agreement with exact, {name}",
            1,
            {k: agreement.similarities(maps["exact"], each)[name] for k, each in maps.items()},
        )
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.metrics_on_linear", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--samples", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--side", type=int, default=12, help="of the images; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    args = parser.parse_args()
    import_tensorflow()
    found = measure(args.samples, args.seed, args.side)
    names = [*next(iter(found.values())).values]
    print(
        f"{args.samples} linear models of {args.side} x {args.side} pixels, seed {args.seed}; "
        f"mean ± half of the 95 % interval"
    )
    print(f"\n{'metric':32}{'better':8}" + "".join(f"{name:>16}" for name in names) + "   best on")
    for metric, measured in found.items():
        cells = ""
        for each in measured.values.values():
            if not np.isfinite(each).any():
                cells += f"{'-':>16}"
                continue
            mean = interval(each)
            cells += f"{mean.mean:9.3f} ± {(mean.high - mean.low) / 2:.2f}"
        better = "higher" if measured.sign > 0 else "lower"
        print(f"{metric:32}{better:8}{cells}{measured.best.mean():9.1%}")


if __name__ == "__main__":
    main()
