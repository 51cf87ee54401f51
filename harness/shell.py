"""A shell with a terminal, in which somebody types and presses Tab."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from harness.waiting import PATIENCE

__all__ = ["Shell"]

_COMMANDS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(lognotary completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit && compinit -u -D; source <(lognotary completion zsh)"),
    "fish": (["fish", "-N", "-i"], "lognotary completion fish | source"),
}
_READY = "echo ready''ready"  # so that the typed text differs from the printed text
_ANSWERED = 5.0  # seconds after which a line is typed again
_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][A-Z0-9]?|\r|\x07")


class Shell:
    """An interactive shell that has sourced its completion script.

    Raises:
        TimeoutError: the awaited text does not appear.
    """

    def __init__(self, name: str, home: Path, environment: Mapping[str, str]) -> None:
        """Start bash, zsh or fish, with an empty home directory and more variables."""
        command, setup = _COMMANDS[name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        plain = {"PATH": path, "HOME": str(home), "TERM": "dumb", "COLUMNS": "200", "LANG": "C.UTF-8"}
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(command[0], command, {**plain, **environment})  # noqa: S606 - no shell starts it
        self._seen = ""
        self._type(f"{setup}; {_READY}\n")
        self._until("readyready")

    def __enter__(self) -> Shell:
        """Return the shell."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the shell."""
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)

    def complete(self, typed: str, expected: str) -> str:
        """Type the beginning of a line, press Tab, and await a text on the screen; return the output meanwhile.

        A server that does not answer in time offers nothing, so the line is typed again.
        """
        self._seen = ""
        end = time.monotonic() + PATIENCE
        while True:
            self._type(f"{typed}\t")
            try:
                self._until(expected, _ANSWERED)
                break
            except TimeoutError:
                if time.monotonic() > end:
                    raise
                self._type("\x15")
        seen = self._seen
        self._seen = ""
        self._type(f"\x15\n{_READY}\n")  # ^U empties the line
        self._until("readyready")
        return seen

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _until(self, text: str, within: float = PATIENCE) -> None:
        end = time.monotonic() + within
        while text not in self._seen:
            if (
                time.monotonic() > end
                or not select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))[0]
            ):
                raise TimeoutError(f"{text!r} does not appear: {self._seen!r}")
            self._seen = _CODES.sub("", self._seen + os.read(self._terminal, 1 << 16).decode("utf-8", "replace"))
