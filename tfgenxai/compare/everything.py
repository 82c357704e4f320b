"""All comparisons in one go, and one page that says what was found."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgenxai.compare import COMPARISONS, entry, run
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.use_cases import use_cases
from tfgenxai.data.progress import counter
from tfgenxai.errors import TfgenxaiError

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects


def compare_all(
    subjects: Subjects,
    *,
    out: str | os.PathLike[str],
    names: Sequence[str] = (),
    scale: float = 1.0,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Runs comparisons, each into OUT/NAME as soon as it is done; gives back the summary of all.

    One that cannot be made, as when a model of its own is not there, is left out, and the summary
    says why.

    Args:
        out: the folder; `Comparison.save(out)` of what comes back puts the summary there.
        names: which; all by default.
        scale: times the number of images that each comparison looks at by itself.
        seed: of everything that is drawn.
        progress: show a bar on stderr.

    Raises:
        UsageError: no such comparison.
        TfgenxaiError: none could be made; what the first one raised.
    """
    chosen = {name: entry(name) for name in names or COMPARISONS}
    out = Path(out)
    found: dict[str, dict[str, Any]] = {}
    failed: dict[str, TfgenxaiError] = {}
    with counter("all comparisons", len(chosen), progress) as done:
        for name, each in chosen.items():
            size = max(each.least, round(scale * each.size))
            size = min(size, len(subjects.data))
            try:
                comparison = run(name, subjects, size=size, seed=seed, progress=False)
            except TfgenxaiError as error:
                failed[name] = error
            else:
                comparison.save(out / name)
                found[name] = comparison.json() | {"title": comparison.report.title}
                del comparison  # its figures
            done(1)
    if not found:
        raise next(iter(failed.values()))
    reasons = {name: str(error) for name, error in failed.items()}
    return summary(found, subjects, seed, reasons)


def summary(
    found: Mapping[str, dict[str, Any]],
    subjects: Subjects,
    seed: int,
    left_out: Mapping[str, str] | None = None,
) -> Comparison:
    """The page over all pages: what each comparison found, and what to use each model for.

    Args:
        found: name of a comparison -> its `json()`, with its `title`.
        left_out: name of a comparison that could not be made -> why.
    """
    names = ", ".join(f"`{m.path.name}`" for m in (subjects.vae, subjects.gan, subjects.classifier))
    page = Comparison(
        "Generative models and their explanations, compared",
        f"Models {names}; MNIST test images ({subjects.data.source}), seed {seed}",
    )
    page.text(_INTRODUCTION)
    for results in found.values():
        page.finding(results["headline"])
    page.section("What was found, one by one")
    for name, results in found.items():
        page.section(results["title"], f"[The whole page]({name}/report.html)", level=2)
        page.text("\n".join(f"- {finding}" for finding in results["findings"]))
    tables = use_cases(found["vae-gan"]["summary"]) if "vae-gan" in found else {}
    if tables:
        page.section(
            "What to use each model for",
            "Each row is a task, the number that decides it, and who does it better here. The "
            "verdicts hold for these two trained models, not for all VAEs and GANs.",
        )
    for model, rows in tables.items():
        page.table(f"uses-{model.lower()}", rows, f"The {model}: what it is for, by the numbers.")
    page.section("The comparisons")
    page.table(
        "comparisons",
        [
            {
                "comparison": f"[{results['title']}]({name}/report.html)",
                "seconds": results["seconds"],
                "figures": len(results["figures"]),
                "tables": len(results["tables"]),
                "command": f"`tfgenxai compare {name}`",
            }
            for name, results in found.items()
        ],
        "Every page, the time it took, and the command that makes it alone.",
    )
    for name, reason in (left_out or {}).items():
        page.text(f"`{name}` is left out: {reason}")
    page.results |= {
        "left_out": dict(left_out or {}),
        "seed": seed,
        "source": subjects.data.source,
        "comparisons": found,
        "use_cases": tables,
        "seconds": sum(results["seconds"] for results in found.values()),
    }
    return page


_INTRODUCTION = """\
A **variational autoencoder** (VAE) learns to squeeze an image into a few numbers, its *latent \
code*, and to draw the image from them again. A **generative adversarial network** (GAN) has no \
such way in: a *generator* draws images from random numbers, and a *discriminator* learns to tell \
them from real ones. Both can draw digits that nobody wrote. What their numbers stand for, which \
pixels they hang on, and how far an explanation of them can be believed is what these pages \
measure.

An *attribution method* gives every pixel (or latent number) its share in one output of a network. \
Numbers in square brackets are 95 % confidence intervals. *Chance* and *control* say what a method \
or model that knows nothing would reach."""
