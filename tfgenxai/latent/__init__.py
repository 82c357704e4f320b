"""Latent codes seen, measured, walked through and put into words."""

from tfgenxai.latent.components import PrincipalComponents
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.effects import carriers, cohens_d, effect_sizes, eta_squared
from tfgenxai.latent.generator import Generator
from tfgenxai.latent.projections import PCA, PROJECTIONS, TSNE, UMAP, Projection
from tfgenxai.latent.quality import (
    Quality,
    Stability,
    knn_accuracy,
    knn_hits,
    quality,
    silhouette,
    stability,
    trustworthiness,
)
from tfgenxai.latent.spaces import Space, encoder_space, generator_spaces, spaces
from tfgenxai.latent.tweaks import Tweaks, most_active, tweak
from tfgenxai.latent.walks import Manifold, Traversal, linear, manifold, slerp, traversal

__all__ = [
    "PCA",
    "PROJECTIONS",
    "TSNE",
    "UMAP",
    "Generator",
    "Manifold",
    "PrincipalComponents",
    "Projection",
    "Quality",
    "Space",
    "Stability",
    "Traversal",
    "Tweaks",
    "carriers",
    "cohens_d",
    "decoded",
    "effect_sizes",
    "encoder_space",
    "eta_squared",
    "generator_spaces",
    "knn_accuracy",
    "knn_hits",
    "linear",
    "manifold",
    "most_active",
    "quality",
    "silhouette",
    "slerp",
    "spaces",
    "stability",
    "traversal",
    "trustworthiness",
    "tweak",
]
