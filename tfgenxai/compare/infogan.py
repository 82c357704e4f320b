"""The codes of InfoGANs: whether a category is the digit, what the others change, which styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfgenxai.compare import infogan_category, infogan_codes, infogan_styles
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.codes import CodeParts
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.metrics.codes import Matching
    from tfgenxai.saved.read import SavedModel

LEAST = 100


class InfoGanCodes(Comparison):
    """The comparison as it grows, with the models and images that its parts look at.

    Attributes:
        matching: of categories and digits, on the test images.
    """

    matching: Matching

    def __init__(
        self, subjects: Subjects, infogan: SavedModel, info_cgan: SavedModel, size: int, seed: int
    ) -> None:
        real = infogan.as_trained(subjects.data[:size])
        super().__init__(
            "Codes that a GAN learned to say and to read",
            f"{len(real):,} MNIST test images ({subjects.data.source}), seed {seed}",
        )
        self.subjects, self.seed = subjects, seed
        self.infogan, self.info_cgan = infogan, info_cgan
        self.generator, self.parts = Generator.of(infogan), CodeParts.of(infogan)
        self.images, self.labels = real.images, subjects.labels(size)
        self.results |= {
            "images": len(real),
            "source": subjects.data.source,
            "seed": seed,
            "models": {"infogan": infogan.path.name, "info_cgan": info_cgan.path.name},
        }


STEPS: tuple[Callable[[InfoGanCodes], Any], ...] = (
    infogan_category.add_category,
    infogan_codes.add_reading,
    infogan_codes.add_grid,
    infogan_codes.add_values,
    infogan_styles.add_styles,
    infogan_styles.add_real_styles,
)


def compare_infogan(
    subjects: Subjects,
    *,
    size: int = 10_000,
    seed: int = 0,
    progress: bool = True,
    infogan: SavedModel | None = None,
    info_cgan: SavedModel | None = None,
) -> InfoGanCodes:
    """What the codes of an InfoGAN and of an InfoGAN with labels stand for.

    Args:
        subjects: the test images, and the classifier that reads what is drawn.
        size: test images whose category is read, at least 100.
        seed: of all codes, baselines and shuffles.
        progress: show a bar on stderr.
        infogan, info_cgan: SavedModels with `generate`, `prior` and `infer`; those that ship by
            default.

    Raises:
        InvalidInputError: fewer than 100 images.
    """
    from tfgenxai.saved.read import load

    if min(size, len(subjects.data)) < LEAST:
        raise InvalidInputError(
            f"Categories are matched to digits on {LEAST} images at least; raise --size or change "
            "the data."
        )
    with counter("reading codes", len(STEPS), progress) as done:
        comparison = InfoGanCodes(
            subjects, infogan or load("infogan"), info_cgan or load("info-cgan"), size, seed
        )
        for step in STEPS:
            step(comparison)
            done(1)
    comparison.headline = _in_short(comparison.results)
    return comparison


def _in_short(results: dict[str, Any]) -> str:
    """The two answers, in a sentence each."""
    category, styles = results["category"], results["styles"]
    clusters = max(
        category["k-means on pixels"]["accuracy"], category["k-means on PCA"]["accuracy"]
    )
    strongest = max(styles["drawn"], key=lambda row: row["share"])
    style = (
        "makes styles: it explains "
        f"{100 * strongest['share']:.0f} % of the variance of the {strongest['measure']} within a "
        f"label (chance {100 * strongest['chance']:.0f} %)"
        if strongest["beyond_chance"]
        else "changes none of the measures of strokes beyond chance"
    )
    return (
        "Without any label, the InfoGAN's category became the digit for "
        f"{100 * category['Q']['accuracy']:.1f} % of {results['images']:,} real test digits "
        f"(published: {100 * infogan_category.PUBLISHED:.0f} %; k-means: {100 * clusters:.1f} %). "
        f"Where the label is given, the category {style}."
    )
