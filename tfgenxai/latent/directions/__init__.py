"""Directions in a code space: found, judged, measured and named."""

from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.directions.ganspace import ganspace
from tfgenxai.latent.directions.gif import save_gif
from tfgenxai.latent.directions.learn import Learned, learn_directions
from tfgenxai.latent.directions.methods import METHODS, find_directions
from tfgenxai.latent.directions.naming import name_directions
from tfgenxai.latent.directions.rca import Rca, rca, rca_rows
from tfgenxai.latent.directions.sefa import sefa
from tfgenxai.latent.directions.training import Training

__all__ = [
    "METHODS",
    "Directions",
    "Effects",
    "Learned",
    "Rca",
    "Training",
    "effects",
    "find_directions",
    "ganspace",
    "learn_directions",
    "name_directions",
    "rca",
    "rca_rows",
    "save_gif",
    "sefa",
]
