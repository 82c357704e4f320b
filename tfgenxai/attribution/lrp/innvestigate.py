"""iNNvestigate on frozen graphs: LRP and its relatives, computed by another package."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, Explanation, Method
from tfgenxai.attribution.lrp.keras_layers import KerasLayer
from tfgenxai.attribution.lrp.legacy_model import LegacyModel
from tfgenxai.attribution.lrp.messages import Message
from tfgenxai.attribution.lrp.worker_process import WORKER
from tfgenxai.attribution.structure import dependants, row_size
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: What iNNvestigate 2.1.2 computes for a chosen neuron, all tried. Its `integrated_gradients` and
#: `smoothgrad` fail there, and are methods of this package.
# fmt: off
ANALYZERS = (
    "gradient", "gradient.baseline", "input_t_gradient", "deconvnet", "guided_backprop",
    "deep_taylor", "deep_taylor.bounded",
    "lrp", "lrp.z", "lrp.epsilon", "lrp.w_square", "lrp.flat", "lrp.alpha_beta",
    "lrp.alpha_2_beta_1", "lrp.alpha_2_beta_1_IB", "lrp.alpha_1_beta_0", "lrp.alpha_1_beta_0_IB",
    "lrp.z_plus", "lrp.z_plus_fast",
    "lrp.sequential_preset_a", "lrp.sequential_preset_a_flat",
    "lrp.sequential_preset_b", "lrp.sequential_preset_b_flat",
    "lrp.sequential_preset_b_flat_until_idx",
)
# fmt: on
# Those that use the alpha-beta rule with biases: in all layers, and in all but the dense ones.
_ALPHA_BETA = frozenset({"lrp.alpha_beta", "lrp.alpha_2_beta_1", "lrp.alpha_1_beta_0"})
_PRESETS = frozenset(name for name in ANALYZERS if name.startswith("lrp.sequential"))


class INNvestigateWarning(UserWarning):
    """iNNvestigate is known to be wrong on a layer of the network."""


class INNvestigate(Method):
    """What an analyzer of iNNvestigate says, of the shape of the input (Alber et al. 2019).

    A target is an element of an output, or several (`Latent`, `Output`, `ClassLogit`,
    `Discriminator`, `Unit` with a position). Where the output ends in a softmax, sigmoid or tanh,
    the element before it is explained, whatever the analyzer. Where the graph starts with
    rescaling its input, `lrp*` and `deep_taylor*` start with what comes out of that, as for a Keras
    model that is given rescaled images; other analyzers start with the input itself.

    iNNvestigate runs in a process of its own, started by the first call, on the CPU: it needs
    Keras 2 and no eager execution. There the network is built again as the Keras layers that it
    consists of, read from the graph. For `lrp.*` the convergence delta is the sum of the relevance
    minus the explained element.

    Args:
        graph, wrt, seed: see `Method`.
        analyzer: iNNvestigate's name of the method, one of `ANALYZERS`.
        options: arguments of the analyzer: `{"epsilon": 0.1}` of `lrp.epsilon`,
            `{"rule": "Z"}` of `lrp`, `{"low": 0, "high": 1}` of `deep_taylor.bounded`.

    Raises:
        UsageError: there is no such analyzer, or the options are no JSON values.
    """

    name = "innvestigate"

    def __init__(
        self,
        graph: Graph,
        analyzer: str = "lrp.epsilon",
        options: Mapping[str, Any] | None = None,
        *,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        if analyzer not in ANALYZERS:
            close = difflib.get_close_matches(str(analyzer), ANALYZERS, n=3) or ANALYZERS
            raise UsageError(f"iNNvestigate has no analyzer {analyzer!r}; try {', '.join(close)}.")
        self.analyzer = analyzer
        self.options = dict(options or {})
        try:
            json.dumps(self.options)
        except (TypeError, ValueError):
            raise UsageError(
                f"The options of an analyzer are numbers, texts, or lists of these, not "
                f"{self.options}."
            ) from None
        self._models: dict[str, LegacyModel] = {}
        self._warned = False

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "analyzer": self.analyzer, "options": self.options}

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as all layers, and what iNNvestigate holds for each, leave room for."""
        between = dependants(self.graph.inputs[self.wrt], explained.fetches).values()
        # Values, relevance, and both signs of each in the alpha-beta rule, in float32.
        return MEMORY // (4 * 4 * max(1, sum(map(row_size, between))))

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """One call of iNNvestigate for each target."""
        model = self._model(explained.fetches[0])
        inputs = model.rescaled(feeds.inputs[self.wrt])
        chosen = _elements(explained, feeds, len(inputs))
        elements, signs = model.places[chosen], model.signs[chosen].T
        is_lrp = self.analyzer.startswith("lrp")
        job = {
            "task": "explain",
            "network": model.message.header["network"],
            "analyzer": self.analyzer,
            "options": self.options,
            "outputs": is_lrp,
        }
        arrays = {"inputs": inputs, "elements": elements}
        answer = WORKER.explain(Message(job, arrays), model.message).arrays
        values = answer["values"]
        values = values * signs.reshape(*signs.shape, *(1,) * (values.ndim - 2))
        if not is_lrp:
            return Explanation(values)
        scores = np.take_along_axis(answer["outputs"], elements.T, axis=1) * signs
        return Explanation(values, values.sum(tuple(range(2, values.ndim))) - scores)

    def _model(self, target: tf.Tensor) -> LegacyModel:
        """The Keras model up to a tensor; warns where iNNvestigate is wrong on it."""
        if target.name not in self._models:
            is_rescaled = self.analyzer.startswith(("lrp", "deep_taylor"))
            source = self.graph.inputs[self.wrt]
            model = LegacyModel.of(self.graph, source, target, is_rescaled=is_rescaled)
            self._models[target.name] = model
            if not self._warned and (wrong := self._flaws(model.layers)):
                self._warned = True
                warnings.warn(
                    f"iNNvestigate's {self.analyzer} is wrong on this network: "
                    f"{'; '.join(wrong)}. LRP does it right.",
                    INNvestigateWarning,
                    stacklevel=5,  # who called the method
                )
        return self._models[target.name]

    def _flaws(self, layers: Sequence[KerasLayer]) -> list[str]:
        if not self.analyzer.startswith("lrp"):
            return []
        found = []
        if any(layer.kind == "LeakyReLU" for layer in layers):
            found.append(
                "it multiplies the relevance that reaches a LeakyReLU by the slope there, so that "
                "relevance is lost"
            )
        biased = {layer.kind for layer in layers if layer.is_biased}
        if self.analyzer in _PRESETS:
            biased -= {"Dense"}
        if self.analyzer in _ALPHA_BETA | _PRESETS and biased:
            found.append(
                "its alpha-beta rule puts positive and negative biases into both denominators"
            )
        return found


def _elements(explained: Explained, feeds: Feeds, count: int) -> np.ndarray:
    """Indices (T, n) of the explained elements into a flattened output.

    Raises:
        UsageError: the target is no element.
    """
    if explained.columns is not None:
        return np.repeat(explained.columns[:, None], count, axis=1)
    if explained.key == ("element of each", explained.fetches[0].name):
        return feeds.rows[0][None]
    raise UsageError(
        f"iNNvestigate explains elements of an output, such as Latent(i), ClassLogit(k) or "
        f"Output(name, index), not {explained.names[0]}: use LRP."
    )
