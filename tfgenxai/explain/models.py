"""Models by path, as the graphs that they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tfgenxai.errors import LayerNotFoundError, TfgenxaiError, UsageError
from tfgenxai.explained import NoOutputError
from tfgenxai.graph import Graph
from tfgenxai.saved.read import load
from tfgenxai.saved.word import OneWord, name_a_word

# The order in which signatures are tried; others come before the last, which doubles one of them.
_ORDER = ("encode", "classify", "discriminate", "generate", "decode", "reconstruct")
_LAST = "serving_default"

Made = TypeVar("Made")


@dataclass(frozen=True)
class Opened:
    """A model.

    Attributes:
        name: what the user calls it.
        graphs: signature -> graph.
        card: the model card; empty without one.
    """

    name: str
    graphs: Mapping[str, Graph]
    card: Mapping[str, Any]

    @property
    def trained_on(self) -> Mapping[str, Any]:
        """What the card says of the data."""
        return self.card.get("data") or {}

    def ordered(self, first: str | None = None) -> list[str]:
        """Its signatures that take something to explain, the likeliest to be meant first."""
        rest = [name for name in self.graphs if name not in (*_ORDER, _LAST)]
        names = [*_ORDER, *rest, _LAST]
        if first is not None:
            names.insert(0, first)
        return [name for name in dict.fromkeys(names) if name in self.graphs and self._takes(name)]

    def _takes(self, signature: str) -> bool:
        """Whether an input holds real numbers."""
        return any(tensor.dtype.is_floating for tensor in self.graphs[signature].inputs.values())

    def first_fit(
        self, names: Sequence[str], make: Callable[[str, Graph], Made], what: str
    ) -> tuple[str, Made]:
        """The first signature of which `make` makes something, and that.

        Raises:
            ModelNotFoundError: there is no such signature.
            TfgenxaiError: none fits; says why.
        """
        reasons = []
        for name in names:
            graph = self.graphs[name]
            try:
                return name, make(name, graph)
            except TfgenxaiError as error:
                reasons.append(error)
        # That a graph has no such output is expected of most; anything else is the true reason.
        telling = [reason for reason in reasons if not isinstance(reason, NoOutputError)]
        if telling or len(reasons) == 1:
            raise (telling or reasons)[0]
        has = ", ".join(f"{name} (giving {', '.join(self.graphs[name].outputs)})" for name in names)
        raise UsageError(f"No signature of {self.name} fits {what}; it has {has or 'none'}.")

    def check_layer(self, names: Sequence[str], layer: str) -> None:
        """Looks for a layer in any of these signatures.

        Raises:
            LayerNotFoundError: none has it; names the closest.
        """
        if any(layer in self.graphs[name] for name in names):
            return
        reasons = []
        for name in names:
            try:
                self.graphs[name][layer]
            except LayerNotFoundError as error:
                reasons.append(error)
        # What is close to the name is worth more than a list of all there is.
        raise next((r for r in reasons if "There are" not in str(r)), reasons[0])


def open_model(path: str, *, trusted: bool = False) -> Opened:
    """A SavedModel; one of words for a word.

    Raises:
        ModelNotFoundError, UntrustedModelError, DamagedModelError: as `tfgenxai.load`.
        UsageError: a model of words without a word.
    """
    model = load(path, trusted=trusted)
    alphabet = ((model.card or {}).get("architecture") or {}).get("config", {}).get("alphabet")
    if alphabet and not isinstance(model, OneWord):
        raise name_a_word(path, alphabet)
    return Opened(path, model, model.card or {})


def open_frozen(
    path: str, inputs: Sequence[str], outputs: Sequence[str], *, trusted: bool = False
) -> Opened:
    """A frozen graph, as the only signature of a model.

    Raises:
        UsageError: the inputs or outputs are not named.
        ModelNotFoundError, LayerNotFoundError, UntrustedModelError, DamagedModelError: as
            `Graph.from_frozen`.
    """
    if not inputs or not outputs:
        raise UsageError(
            f"{path} is a frozen graph, which does not say what it takes and gives: add "
            f"--inputs NODE and --outputs NODE."
        )
    graph = Graph.from_frozen(path, inputs=inputs, outputs=outputs, trusted=trusted)
    return Opened(Path(path).name, {"graph": graph}, {})
