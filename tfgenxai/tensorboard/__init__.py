"""What TensorBoard shows: summaries, and latent codes in its embedding projector."""

from tfgenxai.tensorboard.projector import write_projector
from tfgenxai.tensorboard.summaries import Summaries

__all__ = ["Summaries", "write_projector"]
