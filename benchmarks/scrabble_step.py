"""One training step of a ScrabbleGAN: time, memory, arithmetic, and what training it would cost.

    python -m benchmarks.scrabble_step --size full --characters 80 --length 5
    python -m benchmarks.scrabble_step --size small --characters 10 --length 3 --batch-size 16

A step is one update of the generator with the updates of both judges that go with it (four in the
published size). The arithmetic is TensorFlow's count of the three networks' forward passes, and
twice as much for each backward pass to weights and to images. The plan divides it by a GPU's
speed; it is an estimate, the step is measured.
"""

from __future__ import annotations

import argparse
import resource
import string
import time
from typing import Any

import numpy as np

#: Single-precision and bfloat16 operations a second of two GPUs, by their makers' data sheets,
#: and the share that such networks reach in practice, a guess.
GPUS = {"T4, float32": 8.1e12, "A100, TF32": 156e12, "A100, bfloat16": 312e12}
REACHED = 0.25


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scrabble_step", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--size", default="full", choices=("full", "small"))
    parser.add_argument("--characters", type=int, default=80, help="V (default: %(default)s)")
    parser.add_argument("--length", type=int, default=5, help="characters (default: %(default)s)")
    parser.add_argument(
        "--batch-size", type=int, default=8, help="words an update of the judges (%(default)s)"
    )
    parser.add_argument("--steps", type=int, default=2, help="timed (default: %(default)s)")
    parser.add_argument("--updates", type=int, default=100_000, help="of the plan (%(default)s)")
    args = parser.parse_args()

    import tensorflow as tf

    from tfgenxai.models.scrabble_gan import ScrabbleGAN

    model = ScrabbleGAN(string.printable[: args.characters], size=args.size)
    model.compile(optimizer=model.default_optimizer(), jit_compile=False)
    rng = np.random.default_rng(0)
    number = args.batch_size * model.parts
    images = tf.constant(rng.random((number, 32, 16 * args.length, 1)), tf.float32)
    labels = tf.constant(rng.integers(args.characters, size=(number, args.length)))
    step = tf.function(model.train_step)
    start = time.perf_counter()
    step((images, labels))
    traced = time.perf_counter() - start
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(args.steps):
        values = step((images, labels))
    wall = (time.perf_counter() - wall) / args.steps
    processor = (time.process_time() - processor) / args.steps
    assert all(np.isfinite(float(value)) for value in values.values())

    networks = {
        "generator": model.generator,
        "discriminator": model.discriminator,
        "recogniser": model.recogniser,
    }
    for name, network in networks.items():
        weights = sum(int(np.prod(w.shape)) for w in network.trainable_variables)
        print(f"{name}: {weights:,} parameters")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"first step, traced: {traced:.1f} s")
    print(f"a step: {wall:.2f} s, {processor:.2f} s of processor time; peak memory {peak:.2f} GiB")
    operations = arithmetic(model, args.batch_size, args.length)
    print(f"arithmetic of a step: {operations:.3g} operations")
    for name, speed in GPUS.items():
        hours = args.updates * operations / (REACHED * speed) / 3600
        print(f"{args.updates:,} steps, {name} at {REACHED:.0%}: {hours:,.1f} hours")


def arithmetic(model: Any, number: int, length: int) -> float:
    """Operations of one step by the forward passes; a backward pass to anything is as many."""
    import tensorflow as tf

    image = tf.TensorSpec((number, 32, 16 * length, 1), tf.float32)
    style = tf.TensorSpec((number, model.latent_dim), tf.float32)
    label = tf.TensorSpec((number, length), tf.int64)
    draw = operations(lambda z, label: model.generator([z, label]), style, label)
    judge = operations(model.discriminator, image)
    read = operations(model.recogniser, image)
    # Real and drawn words forward, back to weights, and for the generator back to the image.
    of_judges = model.parts * (draw + 2 * judge * 3 + read * 3)
    return of_judges + draw * 2 + judge * 1 + read * 2


def operations(function: Any, *specs: Any) -> float:
    """Floating-point operations of a function, counted by TensorFlow's profiler."""
    import tensorflow as tf

    graph = tf.function(function).get_concrete_function(*specs).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options = tf.compat.v1.profiler.ProfileOptionBuilder(options).with_empty_output().build()
    return tf.compat.v1.profiler.profile(graph, cmd="op", options=options).total_float_ops


if __name__ == "__main__":
    main()
