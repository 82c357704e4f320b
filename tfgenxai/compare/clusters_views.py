"""t-SNE against UMAP on the codes of a mixture VAE, over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai import plots
from tfgenxai.latent.projections import TSNE, UMAP
from tfgenxai.latent.quality import knn_accuracy, stability
from tfgenxai.metrics.batches import batched

if TYPE_CHECKING:
    from tfgenxai.compare.clusters import VariationalClusters

#: Codes shown, and seeds.
_CODES, SEEDS = 1_000, 5
_MEASURES = {"trustworthiness": "trustworthiness", "knn_accuracy": "kNN accuracy"}


def add_views(page: VariationalClusters) -> None:
    """Both views of the same codes: figure, trustworthiness and kNN accuracy over five seeds."""
    images, labels = page.images[:_CODES], page.labels[:_CODES]
    codes = batched(page.model["encode"].function("image", "mean"), images)
    seeds = range(page.seed, page.seed + SEEDS)
    rows = {}
    panels = []
    for projector in (TSNE, UMAP):
        rows[projector.title] = stability(projector, codes, labels, seeds=seeds).row()
        panels.append((projector.title, projector(seed=page.seed)(codes), labels))
    whole = knn_accuracy(codes, labels)
    page.results["views"] = {"codes": len(codes), "seeds": list(seeds), "codes_knn": whole} | rows
    page.section(
        "The codes, seen by t-SNE and by UMAP",
        f"Both lay out the posterior means of {len(codes):,} test digits in a plane, each with "
        f"{SEEDS} seeds. Trustworthiness asks whether neighbours in the view are neighbours among "
        "the codes; kNN accuracy whether the five nearest in the view tell the digit.",
    )
    page.figure(
        "views",
        plots.scatters(panels, [str(k) for k in range(10)], title="Codes of the mixture VAE"),
        "The first seed of each, coloured by the digit, which neither method was given.",
    )
    page.table(
        "views",
        [
            {"view": name}
            | {
                said: f"{row[f'{measure}_mean']:.3f} ± {row[f'{measure}_std']:.3f}"
                for measure, said in _MEASURES.items()
            }
            | {"overlap of seeds": row["neighbor_overlap"]}
            for name, row in rows.items()
        ],
        f"Mean and standard deviation over {SEEDS} seeds. On the codes themselves kNN accuracy is "
        f"{whole:.3f}. Overlap: Jaccard index of a point's 12 neighbours between two seeds.",
    )
    page.finding(
        f"Over {SEEDS} seeds and {len(codes):,} codes, "
        + "; ".join(f"{_verdict(rows, measure, said)}" for measure, said in _MEASURES.items())
        + f" (kNN accuracy on the codes themselves: {whole:.3f})."
    )


def _verdict(rows: dict[str, dict[str, float]], measure: str, said: str) -> str:
    """Which view is better by one measure: by more than both standard deviations, or neither."""
    (one, first), (other, second) = rows.items()
    gap = first[f"{measure}_mean"] - second[f"{measure}_mean"]
    apart = abs(gap) > first[f"{measure}_std"] + second[f"{measure}_std"]
    better = (one if gap > 0 else other) if apart else "neither"
    numbers = " against ".join(
        f"{name} {row[f'{measure}_mean']:.3f} ± {row[f'{measure}_std']:.3f}"
        for name, row in rows.items()
    )
    return f"{said} is better by {better}: {numbers}" if apart else f"{said} is alike: {numbers}"
