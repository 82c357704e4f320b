"""200 latent Grad-CAM maps an image: against the forward pass, the usual loop, and tf-keras-vis.

    python -m benchmarks.latent_gradcam

Everything runs on the same weights and images; measurements take turns, and medians are printed,
so that other work on the machine spoils a round and not the ratios.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfgenxai
from benchmarks.timing import medians
from tfgenxai.attribution import LatentGradCAM
from tfgenxai.graph import Graph
from tfgenxai.models.conv_vae import ConvVAE

SHIPPED = Path(__file__).parent.parent / "saved_models" / "conv-vae-faces"


def models(path: Path | None, seed: int) -> tuple[keras.Model, Graph]:
    """The live Keras encoder, for the peers, and its frozen graph."""
    keras.utils.set_random_seed(seed)
    model = ConvVAE()
    if path is None:
        function = model.export_signatures()["encode"]
        return model.encoder, Graph.from_function(function)
    graph = tfgenxai.load(path)["encode"]
    model.set_weights([weight.numpy() for weight in tf.saved_model.load(str(path)).weights])
    return model.encoder, graph


def notebook_loop(model: keras.Model, image: np.ndarray, latents: int) -> np.ndarray:
    """One image, a persistent tape, one gradient a latent: (latents, h, w)."""
    maps = []
    with tf.GradientTape(persistent=True) as tape:
        a, mean = model(image[None])
        coordinates = [mean[:, i] for i in range(latents)]
    for coordinate in coordinates:
        weights = tf.reduce_mean(tape.gradient(coordinate, a), axis=(0, 1, 2))
        maps.append(tf.nn.relu(tf.reduce_sum(a[0] * weights, axis=-1)).numpy())
    return np.stack(maps)


def keras_vis(model: keras.Model, images: np.ndarray, score: Any, layer: str) -> np.ndarray:
    """Raw maps of tf-keras-vis, (n, h, w)."""
    from tf_keras_vis.gradcam import Gradcam

    return Gradcam(model, clone=False)(
        score,
        images,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        normalize_cam=False,
        expand_cam=False,
    )


def measure(args: argparse.Namespace) -> None:
    """Runs everything in turn and prints medians, ratios and deviations."""
    path = args.model or (SHIPPED if SHIPPED.is_dir() and not args.random else None)
    encoder, graph = models(path, args.seed)
    mean = encoder.outputs[0]
    latents = mean.shape[1]
    images = np.random.default_rng(args.seed).random(
        (args.images, *encoder.input_shape[1:]), dtype=np.float32
    )
    method = LatentGradCAM(graph, args.layer)
    forward = graph.function(graph.inputs["image"], graph.outputs["mean"])
    tapped = keras.Model(encoder.input, [encoder.get_layer(args.layer).output, mean])
    scored = keras.Model(encoder.input, mean)
    batches = [images[i : i + args.batch] for i in range(0, len(images), args.batch)]
    copies = np.repeat(images[:1], latents, axis=0)
    few = range(min(4, latents))

    # Each entry: what is timed, and how many images' worth of maps it makes.
    def of_each(scores: Any) -> list[Any]:
        return [scores[i, i] for i in range(latents)]

    works: dict[str, tuple[Callable[[], Any], float]] = {
        "encoder forward": (lambda: [forward(batch).numpy() for batch in batches], args.images),
        "LatentGradCAM": (lambda: method(images, batch_size=args.batch), args.images),
        "notebook loop": (lambda: notebook_loop(tapped, images[0], latents), 1),
        "tf-keras-vis, one image and latent a call": (
            lambda: [
                keras_vis(scored, images[:1], lambda s, i=i: s[:, i], args.layer) for i in few
            ],
            len(few) / latents,
        ),
        "tf-keras-vis, one batch and latent a call": (
            lambda: [
                keras_vis(scored, batches[0], lambda s, i=i: s[:, i], args.layer) for i in few
            ],
            len(batches[0]) * len(few) / latents,
        ),
        "tf-keras-vis, an image's latents as a batch": (
            lambda: keras_vis(scored, copies, of_each, args.layer),
            1,
        ),
    }
    spent = medians({name: work for name, (work, _) in works.items()}, args.rounds)
    each = {name: spent[name] / count for name, (_, count) in works.items()}

    print(f"model      {path or 'random weights'}, layer {args.layer}, {latents} latents")
    print(f"images     {args.images} of {images.shape[1:]}, batches of {args.batch}")
    print(f"threads    {tf.config.threading.get_intra_op_parallelism_threads() or 'all cores'}")
    print(f"rounds     {args.rounds}, medians\n")
    ours, one = each["LatentGradCAM"], each["encoder forward"]
    print(f"{'all maps of one image':46}{'ms':>10}{'forwards':>12}{'to ours':>10}")
    for name, time in each.items():
        print(f"{name:46}{1e3 * time:10.3f}{time / one:12.2f}{time / ours:10.1f}")

    checked = images[: args.checked]
    expected = np.stack([notebook_loop(tapped, image, latents) for image in checked])
    deviation = np.abs(method(checked).values - expected).max()
    print(
        f"\ndeviation from the loop, {len(checked)} images: at most {deviation:.2e}, "
        f"{deviation / expected.max():.2e} of the largest value"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latent_gradcam", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="SavedModel of a ConvVAE that this package wrote "
        "(default: saved_models/conv-vae-faces if it is there, else random weights)",
    )
    parser.add_argument("--random", action="store_true", help="random weights in any case")
    parser.add_argument("--layer", default="encoder_conv_3", help="default: %(default)s")
    parser.add_argument("--images", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--checked", type=int, default=3, help="images to compare with the loop")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    measure(args)


if __name__ == "__main__":
    main()
