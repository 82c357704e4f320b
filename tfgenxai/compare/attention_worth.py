"""What attention is worth: what changes when a network's attention adds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tfgenxai.attention import with_and_without
from tfgenxai.metrics.features import read
from tfgenxai.metrics.frechet import frechet
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.attention_material import Network
    from tfgenxai.compare.subjects import Subjects


class Real(NamedTuple):
    """Features (n, D) of real images: the test images, and as many training images as are drawn."""

    test: np.ndarray
    train: np.ndarray

    @classmethod
    def of(cls, subjects: Subjects, drawn: int) -> Self:
        """What the classifier makes of them."""
        classify = subjects.classifier["classify"]
        parts = subjects.data.images, subjects.train(drawn).images
        return cls(*(read(classify, images).features for images in parts))


def image_row(
    network: Network, subjects: Subjects, real: Real
) -> tuple[dict[str, Any], tuple[Any, Any]]:
    """Change of the images of a generator without its attention, and both sets of images.

    `change`, mean absolute difference of pixels; `apart`, that of two images drawn of different
    codes, for scale; `class_change`, the share of images in which the classifier sees another
    digit; `frechet` and `frechet_without`, distance of the classifier's features to those of test
    images, with `floor`, that of as many training images.
    """
    whole, without = with_and_without(network.graph, dict(network.inputs), network.layer.name,
                                      output="image")  # fmt: skip
    classify = subjects.classifier["classify"]
    seen, cut = (read(classify, images) for images in (whole, without))
    count = len(real.train)
    distances = [frechet(each.features[:count], real.test, real.train) for each in (seen, cut)]
    row = {
        "network": network.name,
        "gain": network.gain,
        "images": len(whole),
        **interval(_apart(whole, without)).row("change"),
        **interval(_apart(whole, np.roll(whole, 1, axis=0))).row("apart"),
        **interval((seen.votes != cut.votes).astype(float)).row("class_change"),
        "frechet": distances[0].distance,
        "frechet_without": distances[1].distance,
        "floor": distances[0].floor,
    }
    return row, (whole, without)


def logit_row(network: Network) -> dict[str, Any]:
    """Change of the logits of a discriminator without its attention.

    `change`, mean absolute difference; `spread`, the standard deviation of the logits, for scale;
    `verdict_change`, the share of images whose logit changes its sign.
    """
    given = dict(network.inputs)
    whole, without = (
        logits.ravel()
        for logits in with_and_without(network.graph, given, network.layer.name, output="logits")
    )
    return {
        "network": network.name,
        "gain": network.gain,
        "images": len(whole),
        **interval(np.abs(whole - without)).row("change"),
        "spread": float(whole.std()),
        **interval(((whole > 0) != (without > 0)).astype(float)).row("verdict_change"),
    }


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean absolute difference of the pixels of each pair of images, (N,)."""
    return np.abs(first - second).mean(axis=(1, 2, 3))
