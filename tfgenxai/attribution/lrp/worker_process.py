"""The process that runs iNNvestigate, as its parent sees it.

There is one for each process that asks, started by the first question. See `worker`.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec

from tfgenxai.attribution.lrp.messages import Message, receive, send
from tfgenxai.errors import TfgenxaiError, UsageError

#: Seconds that the worker may take to import TensorFlow and iNNvestigate; five is usual.
START_LIMIT = 300.0

_MODULE = "tfgenxai.attribution.lrp.worker"


class WorkerProcess:
    """Starts when it is first asked, and once more if it was killed; serves threads in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Running | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process, if it was started."""
        return None if self._running is None else self._running.process.pid

    def explain(self, job: Message, network: Message) -> Message:
        """The answer to a job.

        Args:
            job: a message of task "explain".
            network: the network that it is about, sent only if the worker does not hold it.

        Raises:
            UsageError: iNNvestigate refuses, or is not installed.
            TfgenxaiError: the worker died twice, or did not start in time.
        """
        with self._lock:
            try:
                try:
                    return self._explain(job, network)
                except (EOFError, OSError):
                    self.close()
                    return self._explain(job, network)
            except UsageError:
                raise
            except (EOFError, OSError):
                obituary = "" if self._running is None else self._running.obituary()
                self.close()
                raise TfgenxaiError(
                    f"The process that runs iNNvestigate died twice{obituary}; smaller batches "
                    f"need less memory."
                ) from None
            except BaseException:  # an answer that nobody waits for any more would come next
                self.close()
                raise

    def close(self) -> None:
        """Ends the worker; it has nothing to lose, and the next question starts another."""
        running, self._running = self._running, None
        if running is not None:
            running.end()

    def _explain(self, job: Message, network: Message) -> Message:
        if self._running is None:
            self._running = Running()
            self._running.wait_until_ready()
        answer = self._running.ask(job)
        if "unknown" in answer.header:
            self._running.ask(network)
            answer = self._running.ask(job)
        return answer


class Running:
    """One worker process.

    Raises:
        UsageError: iNNvestigate is not installed.
    """

    def __init__(self) -> None:
        for package in ("innvestigate", "tf_keras"):
            if find_spec(package) is None:
                raise UsageError(
                    f"The package {package} is missing, without which iNNvestigate cannot run: "
                    f"install this project's requirements.txt (extra lrp), or use LRP."
                )
        # What it prints, to be read when it dies.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, "TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": path},
        )

    def wait_until_ready(self) -> None:
        """Returns when it has imported all that it needs.

        Raises:
            UsageError: iNNvestigate cannot be imported.
            TfgenxaiError: it takes longer than `START_LIMIT`.
            EOFError: it died.
        """
        assert self.process.stdout is not None
        started = time.monotonic()
        alarm = threading.Timer(START_LIMIT, self.process.kill)
        alarm.start()
        try:
            _checked(receive(self.process.stdout))
        except EOFError:
            if time.monotonic() - started < START_LIMIT:
                raise
            raise TfgenxaiError(
                f"The process that runs iNNvestigate did not start within {START_LIMIT:g} seconds; "
                f"try again when the machine has less to do."
            ) from None
        finally:
            alarm.cancel()

    def ask(self, message: Message) -> Message:
        """The answer to a message.

        Raises:
            UsageError: iNNvestigate refuses.
            EOFError, OSError: it died.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        send(self.process.stdin, message)
        return _checked(receive(self.process.stdout))

    def end(self) -> None:
        """Kills it, if it lives, and frees what belongs to it."""
        self.process.kill()
        self.process.communicate()
        self._words.close()

    def obituary(self) -> str:
        """How it died, and its last words."""
        code = self.process.wait()
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f" (exit code {code})" + (f", saying {lines[-1]!r}" if lines else "")


def _checked(answer: Message) -> Message:
    if "error" in answer.header:
        raise UsageError(
            f"iNNvestigate refuses this network or these options: {answer.header['error']}"
        )
    return answer


#: Serves everything in this process.
WORKER = WorkerProcess()
atexit.register(WORKER.close)
