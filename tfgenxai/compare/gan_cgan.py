"""A GAN against a conditional GAN: samples, what the label and the code decide, directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.compare import gan_cgan_directions, gan_cgan_grid, gan_cgan_samples
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, ModelNotFoundError
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

FEWEST = 100
#: One code in so many images is followed along directions: each is drawn hundreds of times there.
_PER_CODE = 40
#: One code in so many is drawn with every label.
_PER_ROW = 20


class GanCgan(Comparison):
    """The comparison as it grows, with both models, and how much its parts look at.

    Attributes:
        generators: "GAN" and "CGAN" -> what draws.
        directions: the same -> method -> directions, of which some are followed.
        methods: which are found where no file holds them.
        size, rows, codes: images a model; codes drawn with every label; codes that are moved.
    """

    def __init__(
        self,
        subjects: Subjects,
        models: Mapping[str, Mapping[str, Graph]],
        methods: Sequence[str],
        size: int,
        seed: int,
    ) -> None:
        self.size = min(size, len(subjects.data))
        super().__init__(
            "A GAN and a conditional GAN",
            f"{self.size:,} images of each model beside MNIST test images "
            f"({subjects.data.source}), seed {seed}",
        )
        self.subjects, self.methods, self.seed = subjects, tuple(methods), seed
        self.classify = subjects.classifier["classify"]
        classes = self.classify.outputs["probabilities"].shape[1]
        self.generators = {
            name: Generator.of(model, classes=classes) for name, model in models.items()
        }
        self.files = {name: _file_of(model) for name, model in models.items()}
        self.rows = max(10, self.size // _PER_ROW)
        self.codes = max(10, self.size // _PER_CODE)
        self.results |= {"images": self.size, "source": subjects.data.source, "seed": seed}

    def draw(self, name: str, count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The first `count` images of a model, and the labels that it was asked for, if any."""
        generator = self.generators[name]
        codes = generator.codes(count, np.random.default_rng(self.seed))
        labels = generator.labels(count)
        return generator.images(codes, labels), labels


STEPS: tuple[Callable[[GanCgan], None], ...] = (
    gan_cgan_samples.add_samples,
    gan_cgan_grid.add_grid,
    gan_cgan_directions.add_directions,
)


def compare_gan_cgan(
    subjects: Subjects,
    *,
    size: int = 2000,
    seed: int = 0,
    progress: bool = True,
    gan: Mapping[str, Graph] | None = None,
    cgan: Mapping[str, Graph] | None = None,
    methods: Sequence[str] = ("random", "sefa"),
) -> GanCgan:
    """The two compared; the test images and the classifier are of `subjects`.

    Args:
        size: images a model, at least 100; parts that draw each code often take a share of it.
        seed: of all codes and directions.
        progress: show a bar on stderr.
        gan, cgan: a model without labels and one with them; `gan` and `cgan`, which ship, by
            default.
        methods: how directions are found; learned ones are taken beside them where both models
            have a file MODEL.directions.npz beside them.

    Raises:
        InvalidInputError: too few images.
        ModelNotFoundError: a model is not there, or takes labels where it should not, or takes
            none where it should.
    """
    from tfgenxai.saved.read import load

    if min(size, len(subjects.data)) < FEWEST:
        raise InvalidInputError(
            f"The comparison needs at least {FEWEST} images; raise --size or change the data."
        )
    models = {
        "GAN": load("gan") if gan is None else gan,
        "CGAN": load("cgan") if cgan is None else cgan,
    }
    comparison = GanCgan(subjects, models, methods, size, seed)
    if [each.conditional for each in comparison.generators.values()] != [False, True]:
        raise ModelNotFoundError("A GAN without labels is compared with one that takes labels.")
    with counter("comparing", len(STEPS), progress) as done:
        for step in STEPS:
            step(comparison)
            done(1)
    return comparison


def _file_of(model: Mapping[str, Graph]) -> Path | None:
    """Where learned directions of a model would be; None of one that is not a SavedModel."""
    path = getattr(model, "path", None)
    return None if path is None else Path(path).with_name(f"{Path(path).name}.directions.npz")
