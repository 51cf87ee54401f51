"""A child process that tests can stop, kill and pause, and that never outlives the test run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.waiting import PATIENCE

_EXEC_BOUND = Path(__file__).with_name("_exec_bound.py")
_TAIL_CHARACTERS = 8192


def _new_spawner() -> None:
    """Create the thread that starts all children.

    The kernel signals a child when the *thread* that started it ends, so a child started from a short-lived
    worker thread would die early. A fork leaves that thread behind, hence a new one there.
    """
    global _spawner
    _spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bound-process")


_spawner: ThreadPoolExecutor
_new_spawner()
os.register_at_fork(after_in_child=_new_spawner)


class BoundProcess:
    """One child process, whose output is appended to a log file so that nothing blocks on an unread pipe.

    Its stdout goes to the log too, unless ``stdout`` names a file for it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        stdout: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        self._stdout = stdout or log
        self._command = list(command)
        self._env = dict(env or {})
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self._command[0]} has not been started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status (negative: the signal that ended the process), None while it is running."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        if self.running:
            raise RuntimeError(f"{self._command[0]} is already running as process {self.pid}")
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._process = _spawner.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log, self._stdout.open("ab") as stdout:
            # A session of its own: Ctrl-C must reach the test run, not the servers under it.
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_EXEC_BOUND), str(os.getpid()), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
                env=os.environ | self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

    def wait_until(self, condition: Callable[[], bool], name: str, state: str, error: type[Exception]) -> None:
        """Wait until a condition of the running process holds.

        Args:
            condition: the condition.
            name: name of the process, for the message of an error.
            state: the awaited state, for the message of an error.
            error: class of the error that is raised if the process exits, or if the condition does not hold in time.
                The message has the end of the log.
        """
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if not self.running:
                raise error(f"{name} ended with status {self.returncode} as it started: {self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise error(f"{name} was not {state} within {PATIENCE:.0f} s: {self.log_tail()}")
            time.sleep(0.02)

    def stop(self, within: float = 120.0) -> int | None:
        """Terminate the process, kill it after a number of seconds; returns its exit status."""
        if self._process is None:
            return None
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """End the process as a power cut would: no handler runs, nothing is flushed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Freeze the process: its connections stay open but get no answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self) -> str:
        """Return the output since the last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def log_tail(self) -> str:
        """Return the end of the output since the last start, for an error message."""
        return self.log_text()[-_TAIL_CHARACTERS:].strip() or "(it wrote nothing)"
