"""The real ``lognotary`` command: servers that tests may stop, kill and restart, and calls to them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from google.protobuf.json_format import Parse

from harness.bound_process import BoundProcess
from harness.waiting import PATIENCE
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import Finding, FindingKind, VerifyResponse, VerifySummary

_ADDRESSES = ("otlp_grpc", "otlp_http", "api_grpc", "http")


class ServerNotReadyError(RuntimeError):
    """A server exited, or was not ready in time; the message has the end of its log."""


def run_lognotary(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end. Settings in the environment of the tests are not passed on.

    Nor is the width of a terminal, which is 80 columns where tests run in several processes.
    """
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith("LOGNOTARY_") and key != "COLUMNS"
    }
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=cwd,
        env=inherited | dict(env or {}),
        check=False,
    )


class LognotaryServer:
    """One server process on a data directory that outlives it.

    ``flags`` are settings by name, ``batch_age=0.1`` for ``--batch-age 0.1``. The server listens on free ports,
    which change with each start, unless a flag says otherwise. ``within`` is a command that runs the server's command.
    """

    def __init__(
        self,
        storage_url: str,
        data_dir: Path,
        *,
        env: Mapping[str, str] | None = None,
        json_output: bool = True,
        within: Sequence[str] = (),
        **flags: str | float,
    ) -> None:
        self.storage_url = storage_url
        self.data_dir = data_dir.resolve()
        self._json_output = json_output
        self._addresses: dict[str, str] = {}
        settings: dict[str, str | float] = {"storage": storage_url, "data_dir": str(self.data_dir)}
        settings |= dict.fromkeys(_ADDRESSES, "127.0.0.1:0")
        settings["access_log"] = "off"  # tests count the records that they send, not those of their own calls
        settings |= flags
        command = [*within, sys.executable, "-m", "server", "serve"]
        for name, value in settings.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        # Beside the data directory, which is the server's own.
        self.directory = self.data_dir.parent
        self._stdout = self.directory / f"{self.data_dir.name}.stdout"
        self._stdout_start = 0
        self._process = BoundProcess(
            [*command, "--json"] if json_output else command,
            log=self.directory / f"{self.data_dir.name}.log",
            stdout=self._stdout,
            env=env,
            cwd=self.directory,
        )

    @property
    def otlp_grpc(self) -> str:
        return self._addresses["otlp_grpc"]

    @property
    def otlp_http(self) -> str:
        """URL of the OTLP/HTTP receiver, without a path."""
        return f"http://{self._addresses['otlp_http']}"

    @property
    def api_grpc(self) -> str:
        return self._addresses["api_grpc"]

    @property
    def http(self) -> str:
        """URL of the HTTP API, without a path."""
        return f"http://{self._addresses['http']}"

    @property
    def public_key(self) -> Path:
        return self.data_dir / "keys" / "public-key.pem"

    @property
    def verifier_keys(self) -> Path:
        return self.data_dir / "keys" / "verifier-keys.txt"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def returncode(self) -> int | None:
        """Exit status of the last process (negative: the signal that ended it), None while it is running."""
        return self._process.returncode

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._stdout_start = self._stdout.stat().st_size if self._stdout.exists() else 0
        self._process.start()

    def wait_until_ready(self) -> None:
        """Wait for the ready line.

        Raises:
            ServerNotReadyError: the server exits, or is not ready in time.
        """
        self._wait_until(lambda: self.output_text().endswith("\n"), "ready")
        if self._json_output:
            (line,) = self.output_text().splitlines()
            ready = json.loads(line)
            self._addresses = {name: ready[name] for name in _ADDRESSES}

    def wait_for_log(self, text: str) -> None:
        """Wait until a text is in the log; raises as ``wait_until_ready``."""
        self._wait_until(lambda: text in self.log_text(), f"so far as to log {text!r}")

    def _wait_until(self, condition: Callable[[], bool], state: str) -> None:
        self._process.wait_until(condition, "The server", state, ServerNotReadyError)

    def start(self) -> None:
        """Start the server and wait until it is ready; again after an end, on the same data directory."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> int | None:
        """SIGTERM; returns the exit status."""
        return self._process.stop(within=PATIENCE)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._process.kill()

    def output_text(self) -> str:
        """Return the output on stdout since the last start."""
        if not self._stdout.exists():
            return ""
        with self._stdout.open("rb") as output:
            output.seek(self._stdout_start)
            return output.read().decode(errors="replace")

    def log_text(self) -> str:
        """Return the log since the last start."""
        return self._process.log_text()

    def log_tail(self) -> str:
        """Return the end of the log since the last start, for an error message."""
        return self._process.log_tail()

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a ``lognotary`` command against this server."""
        return run_lognotary(*arguments, "--api", self.api_grpc, cwd=self.directory)

    def verify(self, *arguments: str) -> tuple[list[Finding], VerifySummary]:
        """Run ``lognotary verify``; returns findings and summary, after checking that the exit status agrees."""
        done = self.cli("verify", "--json", *arguments)
        findings, summary = read_verification(done.stdout)
        assert len([f for f in findings if f.HasField("acknowledgement")]) == summary.acknowledged
        failed = summary.findings > summary.acknowledged or summary.nothing_verified
        assert done.returncode == (1 if failed else 0), done.stderr
        return findings, summary

    @contextmanager
    def correlation(self) -> Iterator[CorrelationServiceStub]:
        """Yield a client of the gRPC API."""
        with grpc.insecure_channel(self.api_grpc) as channel:
            yield CorrelationServiceStub(channel)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def read_verification(output: str) -> tuple[list[Finding], VerifySummary]:
    """Parse the output of ``lognotary verify --json``."""
    steps = [Parse(line, VerifyResponse()) for line in output.splitlines()]
    assert steps, "verify printed nothing"
    assert steps[-1].HasField("summary"), "verify did not come to its end"
    findings = [step.finding for step in steps if step.HasField("finding")]
    assert len(findings) == steps[-1].summary.findings
    return findings, steps[-1].summary


def kinds(findings: list[Finding]) -> set[str]:
    """Return the names of the kinds of findings."""
    return {FindingKind.Name(finding.kind) for finding in findings}
