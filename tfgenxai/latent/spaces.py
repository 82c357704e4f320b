"""The code spaces of a model by name: where its codes come from, and what labels them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.latent.decoding import code_input, decoded, prior_codes
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel

# What is left of a wide layer before its neighbourhoods are looked for.
HIDDEN_DIMENSIONS = 50
# Names of an encoder's output that is the code, the likeliest first.
MEANS = ("mean", "mu", "z_mean", "z")
_WEIGHTED = ("Dense", "Conv2D", "Conv2DTranspose")


@dataclass(frozen=True)
class Space:
    """Codes of one kind, and a label for each.

    Attributes:
        name: "posterior means", "codes" of an encoder that gives no distribution, "encoder
            features", "z" or "first hidden layer".
        codes: (N, D) float32.
        labels: (N,) integers, or None where nothing tells them apart.
        label_source: What the labels are, in words; "" without labels.
        about: What the codes are, in words.
        class_names: A name for each label value, or None.
        reduced: Whether the dimensions are the first principal components of a wide layer. They
            are then uncorrelated, and their variances are not all there is.
        eps: (N, D) the standard normal draws that the prior made codes z of; None for others.
    """

    name: str
    codes: np.ndarray
    labels: np.ndarray | None
    label_source: str
    about: str
    class_names: tuple[str, ...] | None = None
    reduced: bool = False
    eps: np.ndarray | None = None


def spaces(
    model: SavedModel,
    data: ImageData | None = None,
    *,
    size: int = 2_000,
    classifier: Graph | None = None,
    label: str | None = None,
    seed: int = 0,
) -> dict[str, Space]:
    """Every code space that the model's signatures give, by name.

    An `encode` gives the posterior means of images, or codes, where it gives no distribution; of a
    model that generates too (a BiGAN), they are called encoder features. A `generate` gives z and
    the generator's first hidden layer.

    Args:
        data: Images to encode, in [0, 1]; made binary where the model's card says so.
        size: How many images, at most, and how many codes z.
        classifier: Graph from images to `logits`, which labels what is generated.
        label: The factor of `data` that labels its images; by default its labels, or the first
            factor.

    Raises:
        ModelNotFoundError: The model has neither `encode` nor `generate`.
        UsageError: `encode` needs images, or `label` is no factor of theirs.
    """
    found: list[Space] = []
    if "encode" in model:
        if data is None:
            raise UsageError(f"{model.path} encodes images: give some as data=.")
        found.append(encoder_space(model, data[:size], label=label))
    if "generate" in model:
        generator = Generator.of(model, graph=model["generate"])
        found += generator_spaces(generator, size, classifier=classifier, seed=seed)
    if not found:
        raise ModelNotFoundError(
            f"{model.path} has no codes: it has the signatures "
            f"{', '.join(model.signatures) or 'none'}, and neither encode nor generate."
        )
    return {space.name: space for space in found}


def encoder_space(model: SavedModel, data: ImageData, *, label: str | None = None) -> Space:
    """Codes that the model's `encode` gives `data`: the mean, where it gives a distribution.

    Raises:
        UsageError: `label` is no factor of the data.
    """
    from tfgenxai.attribution.inputs import batches
    from tfgenxai.explained import Feeds, fetch, find_output

    labels, source, names = _labels_of(data, label)
    images = model.as_trained(data)
    graph = model["encode"]
    output = find_output(graph, None, MEANS, "A code space")
    # A conditional encoder takes the label too.
    given: Mapping[str, Any] | ImageData = images
    if "label" in graph.inputs and labels is not None:
        (picture,) = (n for n in graph.inputs if n != "label")
        given = {picture: images, "label": labels}
    stream, _ = batches(given, graph, 256)
    codes = np.concatenate([fetch(graph, Feeds(batch), [output])[0].numpy() for batch in stream])
    name = "posterior means" if "logvar" in graph.outputs else "codes"
    if "generate" in model:
        name = "encoder features"
    what = f"{name} of {len(data):,} {data.split} images of {data.name}"
    return Space(name, codes.astype(np.float32), labels, source, what, names)


def generator_spaces(
    generator: Generator, size: int, *, classifier: Graph | None = None, seed: int = 0
) -> list[Space]:
    """z and the first hidden layer of a generator, for the same `size` codes of its prior.

    The labels are those asked for, of a conditional generator. Codes of another have none: without
    a `classifier` to look at G(z) they get none.
    """
    from tfgenxai.metrics.batches import batched

    eps = generator.normals(size, np.random.default_rng(seed))
    codes, labels, source = prior_codes(generator.prior, eps), generator.labels(size), ""
    if labels is not None:
        source = "the label that was asked for"
    elif classifier is not None:
        images = generator.images(codes)
        labels = batched(classifier.function("image", "logits"), images).argmax(axis=1)
        source = "the class that the classifier sees in G(z)"
    layer = first_hidden(generator.graph)
    values = decoded(generator.graph, codes, extra=generator.extra(labels), fetch=layer)
    hidden = reduced(values, seed)
    about = f"{size:,} codes from {generator.source}"
    components = f"{hidden.shape[1]} principal components of {layer} at {about}"
    return [
        Space("z", codes, labels, source, about, eps=eps),
        Space("first hidden layer", hidden, labels, source, components, reduced=True),
    ]


def first_hidden(generate: Graph) -> str:
    """The first layer that a generator's codes go through, after its normalisation and activation.

    These follow as layers of their own in many generators: they are flat and as wide as the layer.
    What only a label goes through comes before it in others.
    """
    from tfgenxai.attribution.structure import depends

    codes = generate.inputs[code_input(generate)]
    first, *others = (x for x in generate.layers if depends([generate[x.name]], codes))
    name = first.name
    for layer in others:
        if layer.output_shape != first.output_shape or layer.kind in _WEIGHTED:
            break
        name = layer.name
    return name


def reduced(values: np.ndarray, seed: int, width: int = HIDDEN_DIMENSIONS) -> np.ndarray:
    """Rows (N, ...) on their first principal components, (N, at most `width`) float32.

    As is usual before t-SNE and UMAP of wide layers (van der Maaten and Hinton 2008).
    """
    from sklearn.decomposition import PCA

    flat = values.reshape(len(values), -1)
    count = min(width, *flat.shape)
    solver = PCA(count, svd_solver="randomized", random_state=seed)
    return solver.fit_transform(flat).astype(np.float32)


def _labels_of(
    data: ImageData, factor: str | None
) -> tuple[np.ndarray | None, str, tuple[str, ...] | None]:
    """Labels (N,), what they are, and their names."""
    if factor is None and data.labels is not None:
        return data.labels, f"the labels of {data.name}", data.class_names
    if data.factor_codes and data.factor_values:
        factor = factor or data.factor_names[0]
        if factor in data.factor_codes:
            names = tuple(data.factor_values[factor])
            return data.factor_codes[factor], f"the factor {factor!r} of {data.name}", names
    if factor is None:
        return None, "", None
    known = f"its factors are {', '.join(data.factor_names)}" if data.factor_names else "no factors"
    raise UsageError(f"{data.name} has no factor {factor!r}; {known}.")
