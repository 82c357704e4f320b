"""Figures: each function gives back a matplotlib Figure; `save` writes it as a PNG file."""

from tfgenxai.pictures import make_grid
from tfgenxai.plots.attacks import attacked
from tfgenxai.plots.attention import attention_chart, attention_queries, index_slip
from tfgenxai.plots.charts import bars, curve, curves, matrix
from tfgenxai.plots.clusters import reveal_curves
from tfgenxai.plots.codes import picture_table
from tfgenxai.plots.directions import effect_chart, image_blocks, rca_bars
from tfgenxai.plots.disentanglement import factor_latents
from tfgenxai.plots.images import image_grid, latent_traversal, reconstructions
from tfgenxai.plots.latent import eigenvalues, loadings, manifold_2d, scatter, scatters
from tfgenxai.plots.maps import latent_heatmaps, map_sheet, overlay
from tfgenxai.plots.neurons import ablation_heatmap, activation_maps, layer_bars, maximised
from tfgenxai.plots.style import png, save
from tfgenxai.plots.walks import interpolation
from tfgenxai.plots.words import character_matrices

__all__ = [
    "ablation_heatmap",
    "activation_maps",
    "attacked",
    "attention_chart",
    "attention_queries",
    "bars",
    "character_matrices",
    "curve",
    "curves",
    "effect_chart",
    "eigenvalues",
    "factor_latents",
    "image_blocks",
    "image_grid",
    "index_slip",
    "interpolation",
    "latent_heatmaps",
    "latent_traversal",
    "layer_bars",
    "loadings",
    "make_grid",
    "manifold_2d",
    "map_sheet",
    "matrix",
    "maximised",
    "overlay",
    "picture_table",
    "png",
    "rca_bars",
    "reconstructions",
    "reveal_curves",
    "save",
    "scatter",
    "scatters",
]
