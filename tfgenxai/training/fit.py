"""Train one of `tfgenxai.models.MODELS`, resumably, with pictures in TensorBoard."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.data import ImageData
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.files import write_text
from tfgenxai.models import model_entry
from tfgenxai.models.words import WordModel
from tfgenxai.training.callbacks import Previews, SaveEpoch
from tfgenxai.training.checkpoints import Checkpoints
from tfgenxai.training.dataset import (
    steps_per_epoch,
    training_batches,
    validation_batches,
)
from tfgenxai.training.strategies import make_strategy
from tfgenxai.training.word_batches import held_out_words, word_batches, word_steps

DECAYS = ("none", "cosine")


@dataclass
class Settings:
    """Everything that decides what the trained weights are, together with data and machine."""

    model: str
    epochs: int
    batch_size: int
    seed: int = 0
    learning_rate: float | None = None
    decay: str = "none"
    strategy: str = "default"
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Trained:
    """A trained model with the settings and the metrics of every epoch, oldest first."""

    model: Any
    settings: Settings
    history: list[dict[str, float]]


def build_model(settings: Settings, steps: int) -> Any:
    """The model of `settings`, compiled; `steps` is the number of updates an epoch."""
    entry = model_entry(settings.model)
    cls = entry.load_class()
    try:
        model = cls(**{**entry.config, **settings.config}, seed=settings.seed)
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{settings.model} cannot be made with {settings.config}: {reason}"
        ) from error
    rate: Any = settings.learning_rate
    if settings.decay == "cosine":
        base = cls.default_optimizer(rate).learning_rate
        rate = keras.optimizers.schedules.CosineDecay(float(base), settings.epochs * steps)
    elif settings.decay != "none":
        raise UsageError(f"There is no decay {settings.decay!r}; choose from {', '.join(DECAYS)}.")
    model.compile(optimizer=cls.default_optimizer(rate), jit_compile=False)
    return model


def train(
    settings: Settings,
    images: ImageData,
    validation: ImageData | None = None,
    *,
    out: str | Path,
    resume: bool = False,
    replace: bool = False,
    verbose: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Trains and returns the model; `out` takes checkpoints, TensorBoard logs and the history.

    A run that was killed, started again with `resume=True`, ends with the same weights as one
    that was not; `replace=True` drops a run that is there instead. Raises UsageError when `out`
    holds a run and neither is said, or other settings are asked for, and InvalidInputError when
    the images do not fit the model. `callbacks` are called after an epoch's checkpoint is
    written, and must leave the model as it is. TensorFlow's operations stay deterministic
    afterwards.
    """
    out = Path(out)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    words = images.texts is not None
    if words:
        if issubclass(model_entry(settings.model).load_class(), WordModel):
            settings.config.setdefault("alphabet", "".join(images.class_names or ()))
        steps = word_steps(images, settings.batch_size)
    else:
        steps = steps_per_epoch(len(images), settings.batch_size)
    strategy = make_strategy(settings.strategy)
    with strategy.scope():
        model = build_model(settings, steps)
    _check_fits(model, images)

    if replace and not resume:
        shutil.rmtree(out, ignore_errors=True)
    checkpoints = Checkpoints(out / "checkpoints")
    checkpoints.agree(asdict(settings), resume=resume)
    with strategy.scope():
        done = checkpoints.restore(model)
    history = _History(out / "history.json", done)
    if done < settings.epochs:
        order: dict[str, Any] = {
            "batch_size": settings.batch_size,
            "seed": settings.seed,
            "epochs": range(done, settings.epochs),
        }
        if words:
            batches = word_batches(images, **order)
        else:
            batches = training_batches(images.pixels, images.labels, model.prepare, **order)
        held_out = None
        if validation is not None and model.validates:
            if words:
                held_out = held_out_words(validation, batch_size=256)
            else:
                held_out = validation_batches(
                    validation.pixels, validation.labels, model.prepare, batch_size=256
                )
        preview = model.prepare(tf.constant((validation or images)[:16].images))
        model.fit(
            batches,
            epochs=settings.epochs,
            initial_epoch=done,
            steps_per_epoch=steps,
            validation_data=held_out,
            shuffle=False,
            verbose=verbose if verbose is not None else (1 if sys.stderr.isatty() else 2),
            callbacks=[
                keras.callbacks.TensorBoard(out / "logs", write_graph=False),
                Previews(out / "logs" / "previews", np.asarray(preview), asdict(settings)),
                history,
                SaveEpoch(checkpoints),
                *callbacks,
            ],
        )
    return Trained(model, settings, history.rows)


class _History(keras.callbacks.Callback):
    """The metrics of every epoch, kept in a file so that a resumed run has all of them."""

    def __init__(self, path: Path, done: int) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []
        if done and path.exists():
            self.rows = json.loads(path.read_text())[:done]
        self.clock = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.clock = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {name: float(np.mean(value)) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, "seconds": time.monotonic() - self.clock} | row)
        write_text(self.path, json.dumps(self.rows, indent=1))


def _check_fits(model: Any, images: ImageData) -> None:
    name = type(model).__name__
    alphabet = getattr(model, "alphabet", None)
    if (alphabet is None) != (images.texts is None):
        wants = "images without words" if alphabet is None else "written words"
        raise InvalidInputError(f"{name} wants {wants}; {images.name} has others.")
    if alphabet is not None:
        if alphabet != "".join(images.class_names or ()):
            raise InvalidInputError(
                f"{name} knows the alphabet {alphabet!r}, {images.name} is written in "
                f"{''.join(images.class_names or ())!r}."
            )
        return
    if images.shape != model.image_shape:
        raise InvalidInputError(
            f"{name} wants images of {model.image_shape}, but {images.name} has {images.shape}."
        )
    needs_labels = getattr(model, "num_classes", 0)
    if needs_labels and images.labels is None:
        raise InvalidInputError(f"{name} needs labels, {images.name} has none.")
