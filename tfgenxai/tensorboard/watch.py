"""A Keras callback that explains a model while it trains, after every epoch, in TensorBoard."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from keras.callbacks import Callback

from tfgenxai.attribution.latent_grad_cam import LatentGradCAM
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent.classifier import shipped_classifier
from tfgenxai.latent.quality import knn_accuracy
from tfgenxai.latent.walks import traversal
from tfgenxai.metrics.likelihood import active_units
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.tiles import heat_tiles
from tfgenxai.targets import Discriminator, Latent
from tfgenxai.tensorboard.drawn import Drawn
from tfgenxai.tensorboard.subject import Subject, computed
from tfgenxai.tensorboard.summaries import Summaries
from tfgenxai.tensorboard.watch_words import WatchWords

if TYPE_CHECKING:
    from tfgenxai.data import ImageData

LATENTS = 4  # watched, unless others are named
_MEASURED = 500  # images behind the numbers
_SHOWN = 8
_FEWEST_LABELLED = 10


def watch(latents: Sequence[int] = ()) -> Callable[[Path, ImageData], list[Callback]]:
    """Makes the callbacks of a run from its log folder and held-out images, for `train`."""

    def make(logs: Path, data: ImageData) -> list[Callback]:
        found: list[Callback] = [Watch(logs / "watch", data, latents=latents)]
        if data.texts is not None:
            found.append(WatchWords(logs / "written", data))
        classifier = shipped_classifier(data.name, data.shape)
        if classifier is not None:
            found.append(Drawn(logs / "drawn", data, classifier["classify"]))
        return found

    return make


class Watch(Callback):
    """Heatmaps, traversals and measures of the model as it is, after every epoch.

    Of an encoder: `heatmaps/z3` (Latent Grad-CAM beneath its images), `traversals/z3` (the images
    along that latent), and as numbers KL from the prior, active units and how far labels can be
    read from the codes. Of a GAN: Grad-CAM of the discriminator on real and drawn images,
    and its verdicts. The same images and codes every time. Models of words, whose images have no
    one width, are left alone: see `tfgenxai.tensorboard.watch_words`.

    The weights are copied into a frozen graph; nothing of the training is touched, not even
    random states, so that the weights are those of a training that nobody watched.

    Args:
        logdir: folder of the run.
        data: held-out images.
        latents: which latents to watch; by default the first few.
    """

    def __init__(
        self,
        logdir: Path,
        data: ImageData,
        *,
        latents: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.logdir = logdir
        self.data = data[:_MEASURED]
        self.latents = list(latents)
        self.signatures: dict[str, Any] = {}
        self.log: Summaries | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Chooses what there is to watch.

        Raises:
            UsageError: a latent that the model does not have.
        """
        known = self.model.export_signatures()
        if "encode" in known:
            self._choose_latents(self.model.latent_dim)
        elif self.latents:
            raise UsageError(f"{type(self.model).__name__} encodes nothing: no latents to watch.")
        if hasattr(self.model, "alphabet"):
            return
        self.signatures = {
            name: function
            for name, function in known.items()
            if name in ("encode", "decode", "generate", "discriminate", "prior")
        }
        prepared = self.model.prepare(tf.constant(self.data.images))
        self.images = np.asarray(prepared)
        if self.signatures:
            self.log = Summaries(self.logdir)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the model after this epoch (Keras counts from 0)."""
        if self.log is None:
            return
        graphs = {name: Graph.from_function(f) for name, f in self.signatures.items()}
        classes = getattr(self.model, "num_classes", 0) or None
        subject = Subject(graphs, self.images, self.data.labels, count=_SHOWN, classes=classes)
        if "encode" in graphs:
            log_latents(subject, self.log, epoch, self.latents)
        if "discriminate" in graphs:
            log_discriminator(subject, self.log, epoch)
        self.log.flush()
        # Graphs refer to themselves; without this the memory of an epoch's stays for long.
        del graphs, subject
        gc.collect()

    def _choose_latents(self, width: int) -> None:
        outside = [latent for latent in self.latents if not 0 <= latent < width]
        if outside:
            raise UsageError(
                f"There is no latent {outside[0]} to watch: they run from 0 to {width - 1}."
            )
        self.latents = self.latents or list(range(min(LATENTS, width)))


def log_latents(subject: Subject, log: Summaries, epoch: int, latents: list[int]) -> None:
    """Heatmaps and traversals of these latents, and measures of all."""
    means, logvars = subject.posterior
    encode, shown = subject.graphs["encode"], list(range(min(_SHOWN, len(means))))
    method, maps = grad_cam(encode), None
    if method is not None:
        maps = method(subject.given(encode, shown), Latent(tuple(latents)), progress=False).values
    generator = subject.generator
    walked = traversal(
        generator.graph,
        means[0],
        latents,
        within=means if logvars is None else None,  # without a prior the codes tell the range
        extra=generator.extra(None if subject.labels is None else subject.labels[0]),
    ).images
    inputs = as_pixels(subject.images[shown])
    for place, latent in enumerate(latents):
        if maps is not None:
            tiles = np.concatenate([inputs, heat_tiles(subject.images[shown], maps[:, place])])
            log.images(f"heatmaps/z{latent}", tiles, epoch, columns=_SHOWN)
        log.images(f"traversals/z{latent}", walked[place], epoch, columns=len(walked[place]))
    measure = "variance" if logvars is None else "kl"
    log.histogram(f"latents/{measure}", subject.information, epoch)
    numbers = {f"latents/{measure}/z{i}": subject.information[i] for i in latents}
    numbers |= {"latents/active_units": active_units(means)}
    if subject.labels is not None and len(means) >= _FEWEST_LABELLED:
        numbers["latents/knn_accuracy"] = knn_accuracy(means, subject.labels)
    log.scalars(numbers, epoch)


def grad_cam(graph: Graph) -> LatentGradCAM | None:
    """Latent Grad-CAM at the graph's last convolution; None for a graph without one."""
    try:
        return LatentGradCAM(graph)
    except LayerNotFoundError:
        return None


def log_discriminator(subject: Subject, log: Summaries, epoch: int) -> None:
    """Grad-CAM of "this is real", on real and on drawn images, all on one scale."""
    judge = subject.graphs["discriminate"]
    real = subject.images[:_SHOWN]
    images = np.concatenate([real, subject.drawn[:_SHOWN]])
    given = subject.judged(slice(_SHOWN), _SHOWN)
    rows = {"real": slice(len(real)), "drawn": slice(len(real), None)}
    method = grad_cam(judge)
    if method is not None:
        maps = method(given, Discriminator(), progress=False).values
        plain, warm = as_pixels(images), heat_tiles(images, maps)
        for name, part in rows.items():
            tiles = np.concatenate([plain[part], warm[part]])
            log.images(f"discriminator/{name}", tiles, epoch, columns=_SHOWN)
    (logits,) = computed(judge, given, [judge.outputs["logits"]])
    means = {f"discriminator/logit_{name}": logits[part].mean() for name, part in rows.items()}
    log.scalars(means, epoch)
