"""Latent codes seen, measured and put into words."""

from tfgenxai.latent.components import PrincipalComponents
from tfgenxai.latent.projections import PCA, PROJECTIONS, TSNE, UMAP, Projection
from tfgenxai.latent.quality import (
    Quality,
    Stability,
    knn_accuracy,
    quality,
    silhouette,
    stability,
    trustworthiness,
)

__all__ = [
    "PCA",
    "PROJECTIONS",
    "TSNE",
    "UMAP",
    "PrincipalComponents",
    "Projection",
    "Quality",
    "Stability",
    "knn_accuracy",
    "quality",
    "silhouette",
    "stability",
    "trustworthiness",
]
