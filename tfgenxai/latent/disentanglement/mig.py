"""The mutual information gap: whether one latent alone knows a factor."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.disentanglement.score import Score, gaps
from tfgenxai.latent.disentanglement.source import Sample

BINS = 20


def mig(sample: Sample, *, bins: int = BINS) -> Score:
    """Mean gap, in [0, 1], between the two latents that know most of each factor.

    Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs", equation 6: (I(z_a; v) -
    I(z_b; v)) / H(v) with a the best and b the second best latent for factor v, averaged over
    factors. Information is that of histograms: each latent in `bins` bins of equal width.

    Args:
        sample: codes (N, D) with factors (N, F).

    Returns:
        The score, and as its matrix the share I(z; v) / H(v) of every latent and factor.
    """
    shares = information(sample, bins)
    return Score({"mig": float(gaps(shares).mean())}, matrix=shares)


def information(sample: Sample, bins: int = BINS) -> np.ndarray:
    """(F, D) in [0, 1]: the share of each factor's entropy that each latent knows.

    A histogram of N samples finds about (bins - 1)(values - 1) / 2N nats where there is none.
    """
    from sklearn.metrics import mutual_info_score

    binned = np.stack([_binned(latent, bins) for latent in sample.values.T])

    def nats(one: np.ndarray, other: np.ndarray) -> float:
        shape = one.max() + 1, other.max() + 1
        counts = np.bincount(one * shape[1] + other, minlength=shape[0] * shape[1])
        return mutual_info_score(None, None, contingency=counts.reshape(shape))

    known = [[nats(factor, latent) for latent in binned] for factor in sample.factors.T]
    entropies = [nats(factor, factor) for factor in sample.factors.T]
    return np.array(known) / np.array(entropies)[:, None]


def _binned(latent: np.ndarray, bins: int) -> np.ndarray:
    return np.digitize(latent, np.histogram_bin_edges(latent, bins)[1:-1])
