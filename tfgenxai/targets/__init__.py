"""What is explained: one scalar per sample, or a named family of scalars.

A target is a small immutable description, written without a graph at hand; `target.on(graph)`
finds it there:

    Latent(3), Latent.all(), Latent((3, 7))    coordinates of an encoder's mean, or of its sample
    Output("probabilities", 8)                 one element of a named output
    ClassLogit(8)                              a class, also of a generated image (`model=`)
    Unit("encoder_conv_3", 5)                  a channel of a layer, or one neuron of it
    Unit.all("encoder_conv_3")                 all its channels
    Pixels(mask)                               the masked pixels of a decoded image
    ReconstructionError(), NegativeElbo(), Discriminator(), Scalar(fn)

`model=` takes the graph of another model, which goes on where the explained one ends: a classifier
or discriminator that judges a generated image, a decoder that makes an image of a code.
"""

from tfgenxai.targets.images import NegativeElbo, Pixels, ReconstructionError
from tfgenxai.targets.target import Scalar, Target
from tfgenxai.targets.units import ClassLogit, Discriminator, Latent, Output, Unit

__all__ = [
    "ClassLogit",
    "Discriminator",
    "Latent",
    "NegativeElbo",
    "Output",
    "Pixels",
    "ReconstructionError",
    "Scalar",
    "Target",
    "Unit",
]
