"""The process that runs iNNvestigate: `python -m tfgenxai.attribution.lrp.worker`.

iNNvestigate wants Keras 2 behind `tensorflow.keras` and no eager execution. Both hold for a whole
process, so that it cannot live in one that uses TensorFlow otherwise. This one reads messages from
stdin and answers on stdout; it ends when stdin does, which is when its parent ends, however that
ended.

    {"task": "network", "network": KEY, "shape": ..., "layers": ...}
        with the weights, a "sample" (n, ...) and what is "expected" (n, D) for it
    {"task": "explain", "network": KEY, "analyzer": ..., "options": ..., "outputs": BOOL}
        with "inputs" (n, ...) and "elements" (T, n), indices into a flattened output

The answer to the second has "values" (n, T, ...), and "outputs" (n, D) if asked for. A header
{"unknown": KEY} asks for the network, and {"error": ...} says what iNNvestigate refused.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from tfgenxai.attribution.lrp.messages import Message, receive, send

#: Networks that are kept, with their analyzers.
KEPT = 8


_RUN_ANYWAY = "options={'disable_model_checks': True} runs it all the same"


class Model:
    """A network in a TensorFlow graph of its own, so that it can be given up again."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        import tensorflow as tf
        import tf_keras

        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph)
        self._analyzers: dict[str, Any] = {}
        with self._graph.as_default(), self._session.as_default():
            values = [tf_keras.Input(header["shape"])]
            for i, described in enumerate(header["layers"]):
                layer = getattr(tf_keras.layers, described["kind"])(**described["config"])
                inputs = [values[place] for place in described["inputs"]]
                values.append(layer(inputs if len(inputs) > 1 else inputs[0]))
                layer.set_weights([arrays[f"{i}.{j}"] for j in range(described["weights"])])
            self._model = tf_keras.Model(values[0], values[-1])
            found, expected = self._model.predict_on_batch(arrays["sample"]), arrays["expected"]
        difference = np.abs(found - expected).max()
        if not difference <= 1e-4 * max(1.0, np.abs(expected).max()):
            raise ValueError(f"the Keras layers differ from the graph by {difference:.2g}")

    def explain(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Message:
        """Values of every target; the same analyzer serves all calls with the same options."""
        import innvestigate

        key = json.dumps([header["analyzer"], header["options"]], sort_keys=True)
        with self._graph.as_default(), self._session.as_default():
            analyzer = self._analyzers.get(key)
            if analyzer is None:
                analyzer = innvestigate.create_analyzer(
                    header["analyzer"],
                    self._model,
                    neuron_selection_mode="index",
                    **{name: _option(name, value) for name, value in header["options"].items()},
                )
            inputs = arrays["inputs"]
            found = [analyzer.analyze(inputs, element) for element in arrays["elements"]]
            self._analyzers[key] = analyzer
            answer = {"values": np.stack(found, axis=1)}
            if header["outputs"]:
                answer["outputs"] = self._model.predict_on_batch(inputs)
        return Message({}, answer)

    def close(self) -> None:
        """Frees the weights."""
        self._session.close()


class Worker:
    """Answers messages, and keeps the networks that were asked for last."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Model] = OrderedDict()

    def answer(self, message: Message) -> Message:
        """What one message asks for, or the error that it led to."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                return self._answer(message)
            except Exception as error:  # whatever iNNvestigate, Keras or TensorFlow raise
                said = f"{type(error).__name__}: {error}"
                if isinstance(error, NotImplementedError) and not str(error) and warned:
                    # Some checks of a network are to warn only, but iNNvestigate raises an error
                    # without words straight after the warning.
                    said = f"{warned[-1].message}; {_RUN_ANYWAY}"
                return Message({"error": _readable(said)})

    def _answer(self, message: Message) -> Message:
        header, arrays = message
        key = header["network"]
        if header["task"] == "network":
            self._models[key] = Model(header, arrays)
            if len(self._models) > KEPT:
                self._models.popitem(last=False)[1].close()
            return Message({})
        if key not in self._models:
            return Message({"unknown": key})
        self._models.move_to_end(key)
        return self._models[key].explain(header, arrays)


def _option(name: str, value: Any) -> Any:
    """JSON has no tuples; of iNNvestigate's options, only the list of rules is to be a list."""
    return tuple(value) if isinstance(value, list) and name != "rule" else value


def _readable(message: str) -> str:
    """One line, with layers by their classes' names, not by addresses in memory."""
    named = re.sub(r"<(?:\w+\.)*(\w+) object at 0x[0-9a-f]+>", r"\1", message)
    return " ".join(named.split())


def _prepare() -> None:
    """Imports what takes long.

    Raises:
        ImportError: iNNvestigate or tf-keras is missing, or does not fit the TensorFlow here.
    """
    import tensorflow as tf

    # The parent holds the GPU's memory, and a GPU's short floats are no match for 1e-5.
    tf.config.set_visible_devices([], "GPU")
    tf.compat.v1.disable_eager_execution()
    import innvestigate  # noqa: F401
    import tf_keras  # noqa: F401


def _read(stream: IO[bytes], inbox: queue.SimpleQueue[Message]) -> None:
    """Hands on messages; ends the process with the stream, even in the midst of a job."""
    try:
        while True:
            inbox.put(receive(stream))
    finally:
        os._exit(0)


def main() -> None:
    """Answers messages until stdin ends."""
    # What libraries print to stdout shall not get among the answers, nor they read the requests.
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to act on
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, inbox), daemon=True).start()
    try:
        _prepare()
    except ImportError as error:
        send(answers, Message({"error": str(error)}))
        return
    send(answers, Message({}))
    worker = Worker()
    while True:
        send(answers, worker.answer(inbox.get()))


if __name__ == "__main__":
    main()
