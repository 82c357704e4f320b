"""One file an epoch, complete or not there at all, from which training goes on exactly."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import keras

from tfgenxai.errors import DamagedModelError, UsageError
from tfgenxai.files import write_text

_PATTERN = re.compile(r"epoch-(\d+)\.weights\.h5")


class Checkpoints:
    """The checkpoints of one training run, in `folder`; the newest two are kept.

    A file holds all weights, batch statistics, random states and optimizer slots. It is written
    under another name and renamed, so a killed process leaves the previous one intact.
    """

    keep = 2

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_file = folder / "run.json"

    def epochs(self) -> list[int]:
        """Finished epochs that can be gone on from, oldest first."""
        matches = (_PATTERN.fullmatch(path.name) for path in self.folder.glob("epoch-*.h5"))
        return sorted(int(match[1]) for match in matches if match)

    def path(self, epoch: int) -> Path:
        """The file of the run's state after `epoch` epochs."""
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    def save(self, model: keras.Model, epoch: int) -> None:
        """Writes the state after `epoch` epochs, then drops what is no longer needed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / "partial.weights.h5"
        model.save_weights(partial, overwrite=True)
        os.replace(partial, self.path(epoch))
        for old in self.epochs()[: -self.keep]:
            self.path(old).unlink()

    def restore(self, model: keras.Model) -> int:
        """Loads the newest state into a compiled `model`; returns its epoch, 0 if there is none."""
        epochs = self.epochs()
        if not epochs:
            return 0
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self.path(epochs[-1]))
        except (OSError, ValueError, KeyError) as error:
            raise DamagedModelError(
                f"The checkpoint {self.path(epochs[-1])} cannot be read ({error}); "
                "delete it to go on from the one before."
            ) from error
        return epochs[-1]

    def agree(self, settings: dict[str, Any], *, resume: bool) -> None:
        """Keeps `settings` with the run; UsageError when a run there would be lost or changed."""
        if self.epochs() and not resume:
            raise UsageError(
                f"{self.folder} holds a run of {self.epochs()[-1]} epochs; add --resume to go on "
                "with it, or choose another --out or --name."
            )
        if resume and self.settings_file.exists():
            before = self._settings()
            done = max(self.epochs(), default=0)
            if done > settings["epochs"]:
                raise UsageError(
                    f"{self.folder} already holds {done} epochs, more than the "
                    f"{settings['epochs']} asked for; ask for {done} or more."
                )
            changed = [k for k in settings if k != "epochs" and before.get(k) != settings[k]]
            if settings["decay"] != "none" and before["epochs"] != settings["epochs"]:
                changed.append("epochs")
            if changed:
                was = ", ".join(f"{k}={before.get(k)!r} (now {settings[k]!r})" for k in changed)
                raise UsageError(f"The run to resume has other settings: {was}; repeat its own.")
        write_text(self.settings_file, json.dumps(settings, indent=2))

    def _settings(self) -> dict[str, Any]:
        try:
            return json.loads(self.settings_file.read_text())
        except ValueError as error:
            raise DamagedModelError(
                f"{self.settings_file} cannot be read ({error}); delete the folder to start anew."
            ) from error
