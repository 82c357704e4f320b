"""Disentanglement: whether single latents stand for single factors of the images."""

from tfgenxai.latent.disentanglement.beta_vae import beta_vae
from tfgenxai.latent.disentanglement.dci import dci
from tfgenxai.latent.disentanglement.factor_vae import factor_vae
from tfgenxai.latent.disentanglement.measure import METRICS, Disentanglement, disentanglement
from tfgenxai.latent.disentanglement.mig import mig
from tfgenxai.latent.disentanglement.sap import sap
from tfgenxai.latent.disentanglement.score import Score
from tfgenxai.latent.disentanglement.source import FactorSource, Pool, Sample, Simulator

__all__ = [
    "METRICS",
    "Disentanglement",
    "FactorSource",
    "Pool",
    "Sample",
    "Score",
    "Simulator",
    "beta_vae",
    "dci",
    "disentanglement",
    "factor_vae",
    "mig",
    "sap",
]
