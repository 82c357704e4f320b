"""What the methods explain when they are compared: networks, inputs, targets and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare.panel import ON_CLASSIFIERS, ON_CODES, ON_IMAGES
from tfgenxai.data import load as load_data
from tfgenxai.latent.effects import eta_squared
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.evaluate import batched
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Target

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel

#: Faces on which the latent that a part is about is looked for.
_LOOKED_AT = 200
#: Methods of one backward pass: the others take minutes on 128 x 128 pixels.
_ON_FACES = (
    "saliency",
    "gradient_input",
    "guided_backprop",
    "guided_grad_cam",
    "grad_cam",
    "grad_cam_plus_plus",
    "layer_cam",
    "lrp",
)


@dataclass(frozen=True)
class Case:
    """One network and one target, N inputs.

    Attributes:
        slug, title: its name in files and on the page.
        about: what is explained, in a sentence.
        graph, inputs, target: what the methods get.
        methods: those that can explain it.
        masks: bool (N, H, W), where the relevance should lie, and `ground`, what they are.
        baseline: what stands where a part of the input is taken away.
    """

    slug: str
    title: str
    about: str
    graph: Graph
    inputs: np.ndarray
    target: Target
    methods: tuple[str, ...]
    masks: np.ndarray | None = None
    ground: str = ""
    baseline: Any = 0.0


def cases(subjects: Subjects, faces: SavedModel | None, *, size: int, seed: int) -> list[Case]:
    """A classifier, a VAE's encoder and decoder, a GAN's discriminator, and a VAE of faces.

    Args:
        faces: SavedModel with `encode` for 128 x 128 faces, or None to leave that case out.
        size: inputs of each.

    Raises:
        UsageError: the GAN is conditional.
    """
    subjects.refuse_labels()
    images, grey, labels = subjects.images(size), subjects.grey(size), subjects.labels(size)
    encode, decode = subjects.vae["encode"], subjects.vae["decode"]
    classify, generator = subjects.classifier["classify"], Generator.of(subjects.gan)
    means = batched(encode.function("image", "mean"), images)
    widest = int(means.var(axis=0).argmax())
    drawn = generator.images(generator.codes(size, np.random.default_rng(seed)))
    found = [
        Case(
            "classifier",
            "Classifier: the true digit",
            "The logit of the digit that an image shows.",
            classify,
            grey,
            ClassLogit(labels),
            (*ON_IMAGES, *ON_CLASSIFIERS),
            grey[..., 0] > 0.5,
            "the strokes",
        ),
        Case(
            "encoder",
            f"VAE encoder: latent mean z{widest}",
            f"The posterior mean z{widest}, the one that varies most over these images.",
            encode,
            images,
            Latent(widest),
            ON_IMAGES,
            images[..., 0] > 0.5,
            "the strokes",
        ),
        Case(
            "discriminator",
            "GAN discriminator: real or drawn",
            "The discriminator's logit for images that the generator drew.",
            subjects.gan["discriminate"],
            drawn,
            Discriminator(),
            ON_IMAGES,
        ),
        Case(
            "decoder",
            "VAE decoder: what makes it this digit",
            "The classifier's logit of an image's own digit, as a function of the latent code.",
            decode,
            means,
            ClassLogit(labels, model=classify),
            ON_CODES,
        ),
    ]
    if faces is not None:
        found.append(_face_case(faces, size))
    return found


def _face_case(faces: SavedModel, size: int) -> Case:
    """The latent that is most about glasses, on faces that wear some, with the glasses' pixels."""
    encode = faces["encode"]
    drawn = load_data("faces", "test", size=_LOOKED_AT, progress=False)
    means = batched(encode.function("image", "mean"), drawn.images)
    assert drawn.factors is not None  # drawn faces have factors
    kinds = drawn.factors["glasses"]
    # Variance that the factor explains, not its share: a silent latent has large shares of nothing.
    explained = eta_squared(means, kinds) * means.var(axis=0)
    node = int(np.argmax(explained))
    wearing = np.flatnonzero(kinds != "none")[:size]
    masks = drawn.masks("glasses", wearing)
    seen = masks.any(axis=(1, 2))
    return Case(
        "faces",
        f"VAE of faces: latent z{node}, glasses",
        f"The posterior mean z{node}, of all latents the one whose variance the kind of glasses "
        "explains most, on faces that wear glasses.",
        encode,
        drawn.images[wearing[seen]],
        Latent(node),
        _ON_FACES,
        masks[seen],
        "the pixels of the glasses",
        "blur",
    )
