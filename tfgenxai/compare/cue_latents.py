"""The cue in a VAE: which latents hold it, who finds it from there, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.cue_maps import FEWER, judged, maps_of
from tfgenxai.compare.panel import built
from tfgenxai.data.mnist_cue import SIDE, cue_mask, plant
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.relevance import relevance_maps
from tfgenxai.targets import Pixels, Target

if TYPE_CHECKING:
    from tfgenxai.compare.cue import Cue


class Codes:
    """Codes of images with the patch and without, and what the patch does to them.

    Attributes:
        images: (n, 28, 28, 1), binary, with the patch.
        before, after: posterior means without and with the patch, (n, d).
        effects: (d,), mean change by the patch in standard deviations of the latent.
        cue, quiet: the latents of the largest and the smallest change.
        exchanged: (n, d), how far the drawn patch fades (its logits summed) when one latent alone
            gets the value that it has without the patch.
    """

    def __init__(self, comparison: Cue) -> None:
        vae, without = comparison.material.vae, comparison.material.without
        mean = vae["encode"].function("image", "mean")
        self.images, plain = (_binary(images) for images in (plant(without), without))
        self.before, self.after = batched(mean, plain), batched(mean, self.images)
        change = (self.after - self.before).mean(axis=0)
        self.effects = change / self.before.std(axis=0)
        self.cue = int(np.abs(self.effects).argmax())
        self.quiet = int(np.abs(self.effects).argmin())
        logits = vae["decode"].function("z", "logits")
        count = comparison.size
        whole = _patch_sum(batched(logits, self.after[:count]))
        self.exchanged = np.empty((len(whole), len(change)))
        for latent in range(len(change)):
            codes = self.after[:count].copy()
            codes[:, latent] = self.before[:count, latent]
            self.exchanged[:, latent] = whole - _patch_sum(batched(logits, codes))

    def target(self, latent: int) -> Target:
        """The latent's mean with the sign that makes it rise when the patch is planted."""
        weights = np.zeros(len(self.effects), np.float32)
        weights[latent] = np.sign(self.effects[latent])
        return Pixels(weights, output="mean")


def add_encoder(comparison: Cue, methods: tuple[str, ...], done: Callable[[int], object]) -> Codes:
    """Maps of the latent that holds the cue, against the one that holds least of it."""
    codes = Codes(comparison)
    count = len(codes.effects)
    comparison.section(
        "The VAE: which latent holds the cue",
        "The patch is planted into images of other digits, and the change of each latent's "
        "posterior mean is measured. A latent of the largest change is explained on the planted "
        "images, and as the control one of the smallest, each in the direction in which the patch "
        "moves it.",
    )
    comparison.figure(
        "latent-effects",
        plots.bars(
            list(codes.effects),
            [f"z{i}" for i in range(count)],
            title="What the patch does to each latent",
            xlabel="mean change in standard deviations of the latent",
        ),
        f"Mean change of each latent's mean over {len(codes.before):,} test images. Most moves "
        f"z{codes.cue} ({codes.effects[codes.cue]:+.2f}), least z{codes.quiet} "
        f"({codes.effects[codes.quiet]:+.2f}).",
    )
    encode = comparison.material.vae["encode"]
    rows, sheet = [], {}
    for name in methods:
        row: dict[str, Any] = {"method": name}
        for prefix, latent in (("", codes.cue), ("control_", codes.quiet)):
            images = codes.images[: comparison.size]
            maps, _ = maps_of(name, encode, images, codes.target(latent), comparison.seed)
            row |= {prefix + key: value for key, value in judged(maps).items()}
            if not prefix:
                sheet[name] = maps[0]
            done(1)
        rows.append(row)
    comparison.table(
        "latent-methods",
        rows,
        f"Who finds the patch from z{codes.cue}, and from z{codes.quiet}, which hardly holds it "
        "(control). Columns as above.",
        columns=[
            *("method", "images", "rank_median", "mass", "pointing", "auroc", "verdict"),
            *("control_rank_median", "control_mass", "control_verdict"),
        ],
    )
    comparison.figure(
        "latent-maps",
        plots.map_sheet(codes.images[0], sheet, columns=7, title=f"Latent z{codes.cue}"),
        f"The maps of z{codes.cue} for one image; the patch is at the upper left.",
    )
    found = [row["method"] for row in rows if row["verdict"] == "found"]
    false = [row["method"] for row in rows if row["control_verdict"] == "found"]
    comparison.results["latents"] = {
        "effects": codes.effects,
        "cue": codes.cue,
        "quiet": codes.quiet,
        "images": len(codes.before),
        "methods": rows,
    }
    comparison.finding(
        f"In the VAE the patch moves z{codes.cue} most ({codes.effects[codes.cue]:+.2f} standard "
        f"deviations; z{codes.quiet} {codes.effects[codes.quiet]:+.2f}). From z{codes.cue}, "
        f"{len(found)} of {len(rows)} methods find the patch in the image; from z{codes.quiet}, "
        f"{len(false)} do."
    )
    return codes


def add_decoder(comparison: Cue, codes: Codes, methods: tuple[str, ...]) -> None:
    """From the drawn patch back to the latents, and whether the cue's is ranked first."""
    decode = comparison.material.vae["decode"]
    inputs = codes.after[: comparison.size]
    share = codes.exchanged.mean(axis=0)
    drawn = int(share.argmax())
    count = len(share)
    middle = np.zeros((28, 28), bool)
    middle[12 : 12 + SIDE, 12 : 12 + SIDE] = True
    rows = []
    for name in methods:
        row: dict[str, Any] = {"method": name, "codes": len(inputs[: FEWER.get(name)])}
        for place, mask in (("patch", cue_mask()), ("middle", middle)):
            target = Pixels(mask, output="logits")
            codes_here = inputs[: FEWER.get(name)]
            found = built(name, decode, comparison.seed)(codes_here, target, progress=False)
            size = np.abs(relevance_maps(found))
            row |= interval(_first(size, codes.cue)).row(f"{place}_encoders_first")
            row |= interval(_first(size, drawn)).row(f"{place}_decoders_first")
            if place == "patch":
                row |= interval(_rank_correlations(size, np.abs(codes.exchanged[: len(size)]))).row(
                    "spearman"
                )
        rows.append(row)
    comparison.section(
        "The way back: which latents draw the patch",
        "The decoder's logits, summed over the patch, are explained by the codes of planted "
        "images. What is true is measured by exchange: one latent at a time gets the value that "
        "it has without the patch, and the patch fades by so much.",
    )
    comparison.figure(
        "latent-exchange",
        plots.bars(
            list(share),
            [f"z{i}" for i in range(count)],
            title="How far the patch fades when one latent is exchanged",
            xlabel="fall of the sum of the patch's logits",
        ),
        f"Means over {len(inputs)} codes. The decoder draws the patch by z{drawn} most of all "
        f"({100 * share[drawn] / share[share > 0].sum():.0f} % of the falls); the encoder moves "
        f"z{codes.cue} most.",
    )
    comparison.table(
        "latent-ranks",
        rows,
        f"How often |relevance| ranks a latent first: the one that the encoder moves most "
        f"(z{codes.cue}) and the one by whose exchange the patch fades most (z{drawn}); chance is "
        f"{1 / count:.2f}. Spearman: of |relevance| with the effects of exchange in each code. "
        "Middle: the same for a block in the middle of the image, where neither should be first "
        "more often than chance.",
        columns=[
            *("method", "codes", "patch_encoders_first", "patch_decoders_first", "spearman"),
            *("middle_encoders_first", "middle_decoders_first"),
        ],
    )
    comparison.results["decoder"] = {"exchange": share, "latent": drawn, "methods": rows}
    best = max(rows, key=lambda row: row["spearman"])
    comparison.finding(
        f"No single latent is the patch: by exchange z{drawn} draws "
        f"{100 * share[drawn] / share[share > 0].sum():.0f} % of it. Of {len(rows)} methods on the "
        f"decoder, {best['method']} orders the latents most like the exchange does (Spearman "
        f"{best['spearman']:.2f} [{best['spearman_low']:.2f}, {best['spearman_high']:.2f}]) and "
        f"ranks z{drawn} first in {100 * best['patch_decoders_first']:.0f} % of the codes."
    )


def _binary(images: np.ndarray) -> np.ndarray:
    """As the VAE was trained."""
    return (images > 0.5).astype(np.float32)


def _patch_sum(logits: np.ndarray) -> np.ndarray:
    return logits[:, cue_mask()].sum(axis=(1, 2))


def _first(size: np.ndarray, latent: int) -> np.ndarray:
    """Whether this latent has the largest value, (n,): 1 or 0."""
    return (size.argmax(axis=1) == latent).astype(np.float64)


def _rank_correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row, (n,)."""
    from scipy.stats import spearmanr

    return np.array([spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])
