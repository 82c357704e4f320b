"""The process that runs iNNvestigate: it starts late, survives what happens to it, and ends."""

import io
import os
import signal
import subprocess
import threading
import time
from importlib.util import find_spec

import numpy as np
import pytest

from tfgenxai.attribution.lrp import worker_process
from tfgenxai.attribution.lrp.messages import Message, receive, send
from tfgenxai.attribution.lrp.worker_process import WORKER, WorkerProcess
from tfgenxai.errors import TfgenxaiError, UsageError

needs_innvestigate = pytest.mark.skipif(
    find_spec("innvestigate") is None, reason="needs the packages of the extra lrp"
)
# Two layers, x -> relu(x W + b) V.
RANDOM = np.random.default_rng(3)
W, B, V = (RANDOM.standard_normal(s).astype(np.float32) for s in ((4, 3), (3,), (3, 2)))
X = RANDOM.random((5, 4), dtype=np.float32)


def forward(x):
    return np.maximum(x @ W + B, 0) @ V


def network(key="two layers", scale=1.0):
    layers = [
        {"kind": "Dense", "config": {"units": 3}, "inputs": [0], "weights": 2},
        {"kind": "Activation", "config": {"activation": "relu"}, "inputs": [1], "weights": 0},
        {"kind": "Dense", "config": {"units": 2, "use_bias": False}, "inputs": [2], "weights": 1},
    ]
    arrays = {"0.0": W, "0.1": B, "2.0": scale * V, "sample": X, "expected": scale * forward(X)}
    return Message({"task": "network", "network": key, "shape": [4], "layers": layers}, arrays)


def gradients(worker=WORKER, sent=None, analyzer="gradient", options=None):
    """Of the second output, (5, 4)."""
    sent = sent or network()
    header = {
        "task": "explain",
        "network": sent.header["network"],
        "analyzer": analyzer,
        "options": options or {},
        "outputs": False,
    }
    job = Message(header, {"inputs": X, "elements": np.ones((1, 5), int)})
    return worker.explain(job, sent).arrays["values"][:, 0]


EXPECTED = ((X @ W + B > 0) * V[:, 1]) @ W.T


def is_alive(pid):
    """Whether a process still computes; one that waits for its parent to notice does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_messages_travel_whole_or_not_at_all():
    stream = io.BytesIO()
    sent = Message({"a": [1, "ü"], "b": None}, {"x": X, "y": np.arange(6).reshape(2, 3)})
    send(stream, sent)
    send(stream, Message({}))
    stream.seek(0)
    got = receive(stream)
    assert got.header == sent.header and got.arrays.keys() == sent.arrays.keys()
    for name, array in sent.arrays.items():
        np.testing.assert_array_equal(got.arrays[name], array)
        assert got.arrays[name].dtype == array.dtype
    assert receive(stream) == Message({}, {})
    with pytest.raises(EOFError):
        receive(stream)
    for length in (3, 20, 60):
        with pytest.raises(EOFError):
            receive(io.BytesIO(stream.getvalue()[:length]))


def test_objects_are_not_unpickled():
    stream = io.BytesIO()
    send(stream, Message({}, {"x": np.array([print, 1], object)}))
    stream.seek(0)
    with pytest.raises(ValueError, match="allow_pickle"):
        receive(stream)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="reads /proc")
@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_dies_with_its_parent(run_python, end):
    # The worker has only just been started when the parent ends.
    code = (
        "import os, signal, sys\n"
        "from tfgenxai.attribution.lrp import worker_process as w\n"
        "assert w.WORKER.pid is None and 'tensorflow' not in sys.modules\n"
        "w.find_spec = lambda name: True\n"
        "w.WORKER._running = w.Running()\n"
        "print(w.WORKER.pid, flush=True)\n" + end
    )
    pid = int(run_python("-c", code).stdout)
    deadline = time.monotonic() + 300
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


@needs_innvestigate
def test_a_killed_worker_is_replaced_in_the_midst_of_a_job():
    np.testing.assert_allclose(gradients(), EXPECTED, rtol=1e-5, atol=1e-6)
    first = WORKER.pid
    assert is_alive(first)
    os.kill(first, signal.SIGSTOP)  # so that the job is certainly not done when it is killed
    found = []
    waiting = threading.Thread(target=lambda: found.append(gradients()))
    waiting.start()
    time.sleep(0.3)
    assert not found
    os.kill(first, signal.SIGKILL)
    waiting.join()
    np.testing.assert_allclose(found[0], EXPECTED, rtol=1e-5, atol=1e-6)
    assert WORKER.pid != first and not os.path.exists(f"/proc/{first}")


@needs_innvestigate
def test_what_is_printed_does_not_disturb():
    found = gradients(options={"reverse_verbose": True})
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-5, atol=1e-6)
    WORKER._running._words.seek(0)
    assert b"Reverse model" in WORKER._running._words.read()


@needs_innvestigate
def test_threads_take_turns():
    found = {}
    scales = (1.0, -2.0, 3.0)

    def ask(scale):
        found[scale] = gradients(sent=network(f"scaled by {scale}", scale))

    threads = [threading.Thread(target=ask, args=(scale,)) for scale in scales]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scale in scales:
        np.testing.assert_allclose(found[scale], scale * EXPECTED, rtol=1e-5, atol=1e-5)


@needs_innvestigate
def test_a_forgotten_network_is_sent_again(monkeypatch):
    for i in range(10):
        np.testing.assert_allclose(
            gradients(sent=network(f"network {i}", i)), i * EXPECTED, rtol=1e-5, atol=1e-5
        )
    sent = []
    monkeypatch.setattr(worker_process, "send", lambda s, m: (sent.append(m), send(s, m)))
    np.testing.assert_allclose(gradients(sent=network("network 0", 0.0)), 0 * EXPECTED)
    assert [m.header["task"] for m in sent] == ["explain", "network", "explain"]
    gradients(sent=network("network 9", 9.0))
    assert [m.header["task"] for m in sent[3:]] == ["explain"]


@needs_innvestigate
def test_refusals_come_back_and_the_worker_lives_on():
    pid = WORKER.pid
    with pytest.raises(UsageError, match="epsilon must be > 0 but was -1"):
        gradients(analyzer="lrp.epsilon", options={"epsilon": -1})
    with pytest.raises(UsageError, match="unexpected keyword argument 'eps'"):
        gradients(analyzer="lrp.epsilon", options={"eps": 1})
    wrong = network("wrong")
    wrong.arrays["expected"][2, 1] += 0.01
    with pytest.raises(UsageError, match="layers differ from the graph by 0.01"):
        gradients(sent=wrong)
    np.testing.assert_allclose(gradients(), EXPECTED, rtol=1e-5, atol=1e-6)
    assert pid in (None, WORKER.pid)


def test_missing_packages(monkeypatch):
    monkeypatch.setattr(worker_process, "find_spec", lambda name: None)
    worker = WorkerProcess()
    with pytest.raises(UsageError, match=r"innvestigate is missing.*requirements\.txt.*LRP"):
        gradients(worker)
    assert worker.pid is None


def test_a_start_that_hangs(monkeypatch):
    monkeypatch.setattr(worker_process, "find_spec", lambda name: True)
    monkeypatch.setattr(worker_process, "START_LIMIT", 0.1)
    worker = WorkerProcess()
    with pytest.raises(TfgenxaiError, match=r"did not start within 0\.1 seconds"):
        gradients(worker)
    assert worker.pid is None


def test_a_worker_that_dies_twice(monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(worker_process, "find_spec", lambda name: True)
    monkeypatch.setattr(worker_process, "_MODULE", "tfgenxai.no_such_module")
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )
    worker = WorkerProcess()
    with pytest.raises(TfgenxaiError, match=r"died twice \(exit code 1\), saying .*no_such_module"):
        gradients(worker)
    assert worker.pid is None
    assert [process.returncode for process in started] == [1, 1]
