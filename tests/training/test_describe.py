"""The layers on a card: those of what is exported, each once."""

import keras

from tfgenxai.graph import Graph
from tfgenxai.models.gan import GAN
from tfgenxai.training.describe import layer_rows


def test_an_averaged_generator_and_normalised_kernels_are_listed_as_exported():
    keras.utils.set_random_seed(0)
    model = GAN(attention=0, num_classes=3, loss="cross_entropy")
    rows = layer_rows(model)
    names = [row["name"] for row in rows if row["kind"] != "InputLayer"]
    assert len(names) == len(set(names))
    assert {row["network"] for row in rows} == {"generator_average", "discriminator"}
    kinds = {row["name"]: row["kind"] for row in rows}
    assert kinds["discriminator_conv_0"] == "Conv2D" and kinds["generator_dense"] == "Dense"
    # The frozen graph holds the same layers with the same parameters.
    count = {row["name"]: row["parameters"] for row in rows}
    for signature in ("generate", "discriminate"):
        graph = Graph.from_function(model.export_signatures()[signature])
        for layer in graph.layers:
            if layer.kind in ("Conv2D", "Dense", "Embedding"):
                assert count[layer.name] == layer.parameters, layer.name
