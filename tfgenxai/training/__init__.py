"""Training that can be killed and resumed: `train(Settings(...), images, out=...)`."""

from tfgenxai.training.fit import Settings, Trained, train

__all__ = ["Settings", "Trained", "train"]
