"""The real server, as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from server.errors.base import LognotaryError

__all__ = ["DEPLOYMENT", "RunningServer", "ServerFailedError", "running_server"]

DEPLOYMENT = "shop"

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class ServerFailedError(LognotaryError):
    """The server did not start, or did not stop cleanly."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that runs, and the addresses that it listens on."""

    otlp_grpc: str
    api_grpc: str
    http: str
    _process: subprocess.Popen[bytes]
    _log: Path

    def wait(self) -> NoReturn:
        """Wait until the server ends by itself, which it should not.

        Raises:
            ServerFailedError: the server ended.
        """
        status = self._process.wait()
        raise ServerFailedError(f"the server exited with status {status}: {_last_line(self._log)}")


@contextlib.contextmanager
def running_server(directory: Path) -> Iterator[RunningServer]:
    """Run a server until the block ends.

    Args:
        directory: parent of the data directory ``data`` and of the log file ``server.log``.

    Raises:
        ServerFailedError: the server does not start within a minute, or exits with an error.
    """
    settings = directory / "lognotary.toml"
    # The story counts the records of the shop, not those of its own calls.
    settings.write_text(f'deployment = "{DEPLOYMENT}"\naccess_log = "off"\n', encoding="utf-8")
    free_port = "127.0.0.1:0"
    command = [sys.executable, "-P", "-m", "server", "serve", "--json"]
    command += ["--config", str(settings), "--data-dir", str(directory / "data")]
    for listener in ("--otlp-grpc", "--otlp-http", "--api-grpc", "--http"):
        command += [listener, free_port]
    # Settings of the machine's own server are not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOGNOTARY_")}
    log = directory / "server.log"
    # A process group of its own: Ctrl-C ends the demo, and the demo then stops the server.
    with (
        log.open("ab") as log_file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log_file, env=environment, process_group=0) as process,
    ):
        try:
            yield _wait_until_ready(process, log)
            status = _stop(process)
        finally:
            _stop(process)
    if status:
        raise ServerFailedError(f"the server exited with status {status}: {_last_line(log)}")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> RunningServer:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    # Not select(), which fails where a process, as one that embeds chDB, has more than 1024 files open.
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        written = selector.select(_START_SECONDS)
    if not written:
        raise ServerFailedError(f"the server was not ready within {_START_SECONDS:.0f} seconds: {_last_line(log)}")
    line = process.stdout.readline()
    if not line:
        raise ServerFailedError(f"the server did not start: {_last_line(log)}")
    ready = json.loads(line)
    return RunningServer(ready["otlp_grpc"], ready["api_grpc"], ready["http"], process, log)


def _stop(process: subprocess.Popen[bytes]) -> int:
    """Stop the process, if it is still running, and return its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "the server's log is empty"
