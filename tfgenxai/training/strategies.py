"""Where training runs: one device, or copies on several."""

from __future__ import annotations

import tensorflow as tf

from tfgenxai.errors import UsageError

STRATEGIES = ("default", "mirrored")


def make_strategy(name: str) -> tf.distribute.Strategy:
    """`default`: the first device; `mirrored`: a copy of the model on every GPU, or on every
    logical CPU device where there is no GPU, each taking its share of a batch."""
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    raise UsageError(f"There is no strategy {name!r}; choose from {', '.join(STRATEGIES)}.")


def split_cpu(count: int) -> None:
    """Makes `count` logical CPU devices; call before TensorFlow is used."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    )
