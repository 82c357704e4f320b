"""What attributions cost, in passes of the explained network and against other packages.

    python -m benchmarks.attribution            # speed
    python -m benchmarks.attribution --memory   # memory against the number of images

The network, its weights and the batch are the same for all in a row. "Forwards" are passes of the
network on that batch, timed in the same run. Xplique takes part where it is installed. Latent
Grad-CAM has a benchmark of its own, `python -m benchmarks.latent_gradcam`.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfgenxai
from benchmarks.timing import medians, seconds
from tfgenxai.attribution import create
from tfgenxai.models.classifier import Classifier
from tfgenxai.models.cvae import CVAE
from tfgenxai.quiet import import_tensorflow
from tfgenxai.targets import ClassLogit, Pixels

SHIPPED = Path(__file__).parent.parent / "saved_models"
CLASS = 3
#: Rows of a table: name -> work. A peer is called as what it is compared with, ` | `, and itself.
Works = dict[str, Callable[[], Any]]


def classifier_works(images: np.ndarray) -> Works:
    """Gradients, class activation maps and perturbations of the classifier."""
    graph = tfgenxai.load(SHIPPED / "classifier")["classify"]
    network = keras.saving.load_model(
        SHIPPED / "classifier.keras", {"Classifier": Classifier}
    ).network
    forward = graph.function("image", "logits")

    def ours(name: str, **options: Any) -> Callable[[], Any]:
        method = create(name, graph, **options)
        return lambda: method(images, ClassLogit(CLASS))

    def keras_vis_saliency(**options: Any) -> Callable[[], Any]:
        from tf_keras_vis.saliency import Saliency

        method = Saliency(network, clone=False)
        return lambda: method(lambda scores: scores[:, CLASS], images, **options)

    def keras_vis_gradcam() -> Any:
        from tf_keras_vis.gradcam import Gradcam

        return Gradcam(network, clone=False)(
            lambda scores: scores[:, CLASS], images, penultimate_layer="conv_1"
        )

    works: Works = {
        "forward": lambda: forward(images).numpy(),
        "Saliency": ours("saliency"),
        "Saliency | tf-keras-vis": keras_vis_saliency(),
        "GradCAM": ours("grad_cam", layer="conv_1"),
        "GradCAM | tf-keras-vis on the Keras model": keras_vis_gradcam,
        "SmoothGrad, 50 draws": ours("smooth_grad", samples=50),
        "SmoothGrad, 50 draws | tf-keras-vis": keras_vis_saliency(smooth_samples=50),
        "IntegratedGradients, 50 steps": ours("integrated_gradients", steps=50),
        "Occlusion, 4 x 4 stride 2 (169 masks)": ours("occlusion", patch=4, stride=2),
        "RISE, 1,000 masks": ours("rise", masks=1000),
    }
    works |= xplique_works(network, images)
    return dict(sorted(works.items(), key=lambda item: [*works].index(item[0].partition(" | ")[0])))


def xplique_works(network: keras.Model, images: np.ndarray) -> Works:
    """Xplique's methods on the live Keras model, if it is installed."""
    try:
        from xplique import attributions as peer
    except ImportError:
        return {}

    wanted = np.eye(10, dtype=np.float32)[np.full(len(images), CLASS)]
    methods = {
        "Saliency": peer.Saliency(network, batch_size=64),
        "GradCAM": peer.GradCAM(network, batch_size=64, conv_layer="conv_1"),
        "SmoothGrad, 50 draws": peer.SmoothGrad(network, batch_size=64, nb_samples=50),
        "IntegratedGradients, 50 steps": peer.IntegratedGradients(network, batch_size=64, steps=50),
        "Occlusion, 4 x 4 stride 2 (169 masks)": peer.Occlusion(
            network, batch_size=64, patch_size=4, patch_stride=2
        ),
        "RISE, 1,000 masks": peer.Rise(network, batch_size=64, nb_samples=1000),
    }
    return {
        f"{name} | Xplique": lambda method=method: method(images, wanted)
        for name, method in methods.items()
    }


def encoder_works(images: np.ndarray) -> Works:
    """LRP of the CVAE's encoder: one latent, and all twenty outputs together."""
    graph = tfgenxai.load(SHIPPED / "cvae")["encode"]
    dense = graph["encoder_dense"]
    forward = graph.function("image", dense)
    native = create("lrp", graph, composite="epsilon")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = create("innvestigate", graph, analyzer="lrp.epsilon")
    every = tfgenxai.Output("encoder_dense")
    single = [tfgenxai.Output("encoder_dense", i) for i in range(dense.shape[1])]
    return {
        "forward": lambda: forward(images).numpy(),
        "LRP-epsilon, one latent": lambda: native(images, single[0], batch_size=len(images)),
        "LRP-epsilon, one latent | iNNvestigate": lambda: other(
            images, single[0], batch_size=len(images)
        ),
        "LRP-epsilon, all 20 outputs": lambda: native(images, every, batch_size=len(images)),
        "LRP-epsilon, all 20 outputs | iNNvestigate, 20 calls": lambda: [
            other(images, target, batch_size=len(images)) for target in single
        ],
    }


def decoder_works(codes: np.ndarray) -> Works:
    """Shapley values of ten latents: all 1,024 coalitions, in both."""
    import shap

    graph = tfgenxai.load(SHIPPED / "cvae")["decode"]
    network = keras.saving.load_model(SHIPPED / "cvae.keras", {"CVAE": CVAE}).decoder
    mask = np.zeros((28, 28, 1), np.float32)
    mask[:14] = 1.0
    forward = graph.function("z", "logits")
    ours = create("shap", graph)
    base = np.zeros((1, codes.shape[1]), np.float32)

    def predicted(z: np.ndarray) -> np.ndarray:
        return (network.predict(z, verbose=0) * mask).sum(axis=(1, 2, 3))

    def kernel_shap() -> Any:
        explainer = shap.KernelExplainer(predicted, base)
        return explainer.shap_values(codes, nsamples=2 ** codes.shape[1], silent=True)

    target = Pixels(mask, output="logits")
    apart = np.abs(ours(codes, target).values - kernel_shap()).max()
    print(f"\nSHAP: largest difference from shap.KernelExplainer {apart:.1e}")
    return {
        "forward": lambda: forward(codes).numpy(),
        "SHAP, 10 latents": lambda: ours(codes, target),
        "SHAP, 10 latents | shap.KernelExplainer, Keras predict": kernel_shap,
    }


def show(title: str, works: Works, rounds: int) -> None:
    """Measures and prints one table; a peer's ratio is to the row of ours above it."""
    spent = medians(works, rounds)
    print(f"\n{title:44}{'ms':>10}{'forwards':>10}{'to ours':>9}")
    for name, time in spent.items():
        own, _, peer = name.partition(" | ")
        ratio = f"{time / spent[own]:8.1f}x" if peer else ""
        label = f"  {peer}" if peer else own
        print(f"{label:44}{1e3 * time:10.1f}{time / spent['forward']:10.1f}{ratio}")


def peak_memory(count: int) -> None:
    """Explains `count` images from a memory-mapped file into another; prints the peak in MB."""
    graph = tfgenxai.load(SHIPPED / "classifier")["classify"]
    with tempfile.TemporaryDirectory() as folder:
        images = np.lib.format.open_memmap(
            f"{folder}/images.npy", "w+", np.float32, (count, 28, 28, 1)
        )
        rng = np.random.default_rng(0)
        for start in range(0, count, 1000):
            images[start : start + 1000] = rng.random(images[start : start + 1000].shape)
        images.flush()
        images = np.load(f"{folder}/images.npy", mmap_mode="r")
        method = create("saliency", graph)
        spent = seconds(
            lambda: method(images, ClassLogit(CLASS), out=f"{folder}/maps.npy", progress=False)
        )
    # What is mapped from a file counts only while the kernel keeps it in memory.
    status = Path("/proc/self/status").read_text().splitlines()
    anonymous = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{count:8,} images  {spent:6.1f} s  peak {peak / 1e3:7.0f} MB  "
        f"own memory at the end {anonymous / 1e3:7.0f} MB"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attribution", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s; 0: all")
    parser.add_argument("--memory", action="store_true", help="memory in place of speed")
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    import_tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    if args.count:
        peak_memory(args.count)
        return
    if args.memory:
        for count in (1_000, 10_000, 60_000):
            command = [sys.executable, "-m", "benchmarks.attribution", "--count", str(count)]
            subprocess.run(command, check=True)
        return
    rng = np.random.default_rng(0)
    images = rng.random((256, 28, 28, 1), dtype=np.float32)
    codes = rng.standard_normal((8, 10)).astype(np.float32)
    show("classifier, batch 64", classifier_works(images[:64]), args.rounds)
    show("CVAE encoder, batch 256", encoder_works(images), args.rounds)
    show("CVAE decoder, 8 codes", decoder_works(codes), args.rounds)


if __name__ == "__main__":
    main()
