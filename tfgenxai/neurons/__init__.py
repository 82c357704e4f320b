"""What single neurons, channels and layers do: activations, maximisation, ablation, similarity.

All on a frozen `Graph`: nothing needs the model's source.
"""

from tfgenxai.neurons.ablation import Ablation, ablate
from tfgenxai.neurons.activations import Activations, activations
from tfgenxai.neurons.cka import cka, cka_chance, cka_matrix
from tfgenxai.neurons.contributions import layer_contributions
from tfgenxai.neurons.effects import (
    AccuracyDrop,
    Effect,
    ImageChange,
    ScoreDrop,
    ScoreShift,
    VerdictDrop,
)
from tfgenxai.neurons.maximise import maximise
from tfgenxai.neurons.maximised import Maximised
from tfgenxai.neurons.objectives import layer_energy
from tfgenxai.neurons.similarity import class_similarity

__all__ = [
    "Ablation",
    "AccuracyDrop",
    "Activations",
    "Effect",
    "ImageChange",
    "Maximised",
    "ScoreDrop",
    "ScoreShift",
    "VerdictDrop",
    "ablate",
    "activations",
    "cka",
    "cka_chance",
    "cka_matrix",
    "class_similarity",
    "layer_contributions",
    "layer_energy",
    "maximise",
]
