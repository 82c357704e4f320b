"""A GAN with an encoder against a VAE: the same explainers, the same measures, on equal footing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare import bigan_codes, bigan_images, bigan_maps
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.batches import batched

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.saved.read import SavedModel

LEAST = 100
VAE, BIGAN = "VAE", "BiGAN"


class TwoEncoders(Comparison):
    """The comparison as it grows, with the models, images and codes that its parts look at.

    Attributes:
        models: name -> SavedModel with `encode` and `reconstruct`.
        images: name -> the test images (N, 28, 28, 1) as that model was trained on them.
        codes: name -> their codes (N, d).
    """

    def __init__(
        self, subjects: Subjects, bigan: SavedModel, size: int, known: int, seed: int
    ) -> None:
        data = subjects.data[:size]
        super().__init__(
            "A GAN and a VAE, each with an encoder",
            f"{len(data):,} MNIST test images ({subjects.data.source}), seed {seed}",
        )
        self.subjects, self.known, self.seed = subjects, known, seed
        self.models = {VAE: subjects.vae, BIGAN: bigan}
        self.images = {name: model.as_trained(data).images for name, model in self.models.items()}
        self.codes = {name: codes_of(self.models[name], x) for name, x in self.images.items()}
        self.labels = np.asarray(data.labels)
        self.results |= {"images": len(data), "source": subjects.data.source, "seed": seed}


STEPS: tuple[Callable[[TwoEncoders], Any], ...] = (
    bigan_codes.add_neighbours,
    bigan_codes.add_spaces,
    bigan_images.add_restored,
    bigan_images.add_search,
    bigan_maps.add_maps,
)


def compare_bigan(
    subjects: Subjects,
    *,
    size: int = 2_000,
    seed: int = 0,
    progress: bool = True,
    bigan: SavedModel | None = None,
    known: int = 60_000,
) -> TwoEncoders:
    """The encoders of a BiGAN and of a VAE: codes, what is restored from them, explanations.

    Args:
        subjects: the VAE, the test images, and the classifier that reads what is restored.
        size: test images, at least 100.
        seed: of the search, of the projections and of all that the measures draw.
        progress: show a bar on stderr.
        bigan: SavedModel with `encode`, `reconstruct` and `generate`; the one that ships by
            default.
        known: training images, at most, among whose codes the nearest is looked for.

    Raises:
        InvalidInputError: fewer than 100 images.
    """
    from tfgenxai.saved.read import load

    if min(size, len(subjects.data)) < LEAST:
        raise InvalidInputError(
            f"The comparison needs at least {LEAST} images; raise --size or change the data."
        )
    with counter("comparing", len(STEPS), progress) as done:
        comparison = TwoEncoders(subjects, bigan or load("bigan"), size, known, seed)
        _introduce(comparison)
        for step in STEPS:
            step(comparison)
            done(1)
    comparison.headline = _in_short(comparison.results)
    return comparison


def codes_of(model: Any, images: np.ndarray) -> np.ndarray:
    """What `encode` says of images: posterior means or codes, (N, d)."""
    return batched(model["encode"].function("image", "mean"), images)


def _introduce(comparison: TwoEncoders) -> None:
    vae, bigan = (comparison.codes[name].shape[1] for name in (VAE, BIGAN))
    binary = [name for name, x in comparison.images.items() if np.isin(x, (0.0, 1.0)).all()]
    comparison.section(
        "On equal footing",
        "A GAN has no way from an image to its code, so that explainers of encoders have nothing "
        "to explain. A BiGAN learns one beside its generator: a discriminator that sees images "
        "with their codes cannot tell (x, E(x)) from (G(z), z) only if E inverts G (Donahue et "
        "al. 2017). With it, all that explains the encoder of a VAE explains that of a GAN.\n\n"
        f"What is not equal: the VAE has {vae} numbers for an image, the BiGAN {bigan}; the VAE "
        "was trained to restore images, the BiGAN never saw an image beside its restoration"
        + (f"; the {' and the '.join(binary)} sees binary images." if len(binary) == 1 else "."),
    )


def _in_short(results: dict[str, Any]) -> str:
    """What a GAN with an encoder can do that a VAE can, in numbers of both."""
    near, back, maps = results["neighbours"], results["restored"], results["maps"]

    def pair(of: Any, form: str) -> str:
        return f"{format(of(BIGAN), form)} against the VAE's {format(of(VAE), form)}"

    return (
        "With an encoder a GAN is explained by the same means as a VAE. The nearest code has the "
        f"same digit for {pair(lambda m: 100 * near[m]['accuracy'], '.1f')} % of test images "
        f"(pixels: {100 * near['pixels']['accuracy']:.1f} %); restored through its code an image "
        f"keeps its digit in {pair(lambda m: 100 * back[m]['digit_kept'], '.1f')} % with squared "
        f"error {pair(lambda m: back[m]['mse'], '.3f')}; {len(maps['methods'])} attribution "
        "methods run on both encoders."
    )
