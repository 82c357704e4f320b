"""Import TensorFlow without what its C++ part prints before any log level is read."""

from __future__ import annotations

import logging
import os
import sys


def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices while stderr is closed; errors still come through.

    On machines without a GPU, TensorFlow 2.21 prints several lines about CUDA at every start, which
    no setting silences. Python's own warnings about retracing are silenced too: every explainer
    is a function of its own, compiled once, which TensorFlow takes for one that is compiled again.

    TensorFlow turns oneDNN on only for processors of which it knows that they gain by it. It trains
    a DCGAN a third faster on others too, so that it is on unless the environment says otherwise.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
