"""What the comparisons look at: a VAE, a GAN, a classifier, and labelled test images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel

NEEDED = {
    "vae": ("encode", "decode", "reconstruct"),
    "gan": ("generate", "discriminate"),
    "classifier": ("classify",),
}


@dataclass(frozen=True)
class Subjects:
    """Models and images; every comparison takes them.

    Attributes:
        vae: SavedModel with encode, decode and reconstruct.
        gan: SavedModel with generate and discriminate.
        classifier: SavedModel with classify, which labels what the GAN draws.
        data: labelled test images, (N, 28, 28, 1).

    Raises:
        ModelNotFoundError: a model lacks a signature.
        InvalidInputError: the images have no labels.
    """

    vae: SavedModel
    gan: SavedModel
    classifier: SavedModel
    data: ImageData

    def __post_init__(self) -> None:
        for role, signatures in NEEDED.items():
            model = getattr(self, role)
            if missing := [name for name in signatures if name not in model]:
                raise ModelNotFoundError(
                    f"{model.path} has no signature {', '.join(missing)}, which a comparison "
                    f"needs of its {role}."
                )
        if self.data.labels is None:
            raise InvalidInputError("The comparisons need labelled images; these have no labels.")

    @classmethod
    def load(
        cls,
        *,
        vae: str = "cvae",
        gan: str = "dcgan",
        classifier: str = "classifier",
        source: str | None = None,
    ) -> Self:
        """Models by name or path, and MNIST's test images from `source` or the first found."""
        from tfgenxai.data import load as load_data
        from tfgenxai.saved.read import load

        return cls(
            load(vae), load(gan), load(classifier), load_data("mnist", "test", source=source)
        )

    def refuse_labels(self) -> None:
        """Refuses a GAN that takes labels, for comparisons that give its networks one input.

        Raises:
            UsageError: it takes some.
        """
        if any("label" in self.gan[name].inputs for name in NEEDED["gan"]):
            raise UsageError(
                f"{self.gan.path.name} is a conditional GAN, and this comparison gives a GAN no "
                "labels: name another with --gan, or take the comparison vae-gan."
            )

    def train(self, size: int) -> ImageData:
        """The first `size` training images of the same source, or as many as there are."""
        from tfgenxai.data import load as load_data

        return load_data(self.data.name, "train", source=self.data.source)[:size]

    def grey(self, size: int) -> np.ndarray:
        """The first `size` images as they are, (N, 28, 28, 1)."""
        return self.data[:size].images

    def images(self, size: int) -> np.ndarray:
        """The first `size` images as the VAE was trained on them: binary if its card says so."""
        return self.vae.as_trained(self.data[:size]).images

    def labels(self, size: int) -> np.ndarray:
        """The digits of the first `size` images, (N,)."""
        return np.asarray(self.data.labels)[:size]
