"""The commands of the README work one after another, and print what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.bound_process import BoundProcess
from harness.lacking import require_tools
from harness.lognotary_server import ServerNotReadyError
from harness.waiting import PATIENCE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PORTS = {"otlp_grpc": 4317, "otlp_http": 4318, "api_grpc": 7317, "http": 7318}
"""The default ports, in whose place the test uses free ones."""

NOT_RUN = {
    "make setup ": "sets up an environment and runs all tests; the demo itself is another test",
    "lognotary serve --storage http": "needs a ClickHouse server of this name; tests/system has real ones",
    "lognotary findings acknowledge": "names the finding of the demo; tests/system/test_acknowledging.py has findings",
}
"""Start of a block -> why the test does not run it."""

SERVES = "lognotary serve"
HOST = "logs.example"
"""The server's name for other machines, in whose place the test uses this one's."""
WITHOUT_SERVER = "lognotary verify --storage "

VARIES = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "TIME",
    r" *\+?\d+(\.\d+)? (µs|ms|s)\b": " AGE",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "BATCH",
    r"\bshop/audit/[\w.-]+": "LOG",
    r"\b\d+ records in \d+ batches of 2 logs\b": "RECORDS of 2 logs",  # one for each command, a little later
    r"\b\d+ lookups\b": "LOOKUPS",
}
"""Pattern of what differs between runs -> what is compared instead."""

VARIES_IN_DEMO = VARIES | {
    r"\b([0-9a-f]{32}|[0-9a-f]{16})\b": "ID",
    r"\b(record|leaf|LeafIndex =) \d+\b": r"\1 NUMBER",
    r"\bbatch \d+\b": "batch NUMBER",
    r"\bin \d+ batches\b": "in NUMBER batches",
    r"127\.0\.0\.1:\d+": "ADDRESS",
    r"(?m)^ +└": " └",  # stands behind the ages
}


def comparable(text: str, varies: Mapping[str, str] = VARIES) -> str:
    for pattern, instead in varies.items():
        text = re.sub(pattern, instead, text)
    return text


class Reader:
    """Somebody who types what the README says, in one shell, with a server in a second one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "reader"
        self.directory.mkdir()
        self._environment = dict(os.environ) | {"TZ": "UTC"}
        self._environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._ports: dict[str, str] = {}
        self._left = directory / "environment"
        self._stdout = directory / "stdout"
        self._log = directory / "log"
        self._servers: list[BoundProcess] = []

    def start_server(self, command: str) -> None:
        """Run a block that starts a server, on free ports of the addresses that it gives."""
        self._stdout.unlink(missing_ok=True)
        given = [re.sub(r"(?<=^0\.0\.0\.0:)\d+$", "0", word) for word in shlex.split(command)]
        free = {f"LOGNOTARY_{name.upper()}": "127.0.0.1:0" for name in PORTS}
        server = BoundProcess(
            given, log=self._log, stdout=self._stdout, env=self._environment | free, cwd=self.directory
        )
        server.start()
        self._servers.append(server)
        server.wait_until(
            lambda: self._stdout.exists() and self._stdout.read_text().endswith("\n"),
            "The server",
            "ready",
            ServerNotReadyError,
        )
        bound = dict(re.findall(r"(\w+)=[\d.]+:(\d+)", self._stdout.read_text()))
        assert bound.keys() == PORTS.keys()
        self._ports = bound
        self._environment["LOGNOTARY_API"] = f"127.0.0.1:{bound['api_grpc']}"

    def stop_server(self) -> None:
        while self._servers:
            assert self._servers.pop().stop(within=PATIENCE) in (0, None)

    def type(self, block: str) -> str:
        """Run a block, which may use variables of those before it; return its output."""
        for name, port in self._ports.items():
            block = block.replace(f"127.0.0.1:{PORTS[name]}", f"127.0.0.1:{port}")
            block = block.replace(f"{HOST}:{PORTS[name]}", f"localhost:{port}")
        script = f"set -euo pipefail -o allexport\n{block}\nenv -0 > '{self._left}'"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        variables = self._left.read_text(encoding="utf-8").split("\0")
        self._environment = dict(variable.split("=", 1) for variable in variables if variable)
        return done.stdout


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LOGNOTARY_")]:
        monkeypatch.delenv(name)


def test_its_commands_work_in_sequence_and_print_what_it_shows(tmp_path: Path) -> None:
    require_tools("bash", "curl")
    blocks = FENCE.findall(README)
    reader = Reader(tmp_path)
    not_run, compared = [], 0
    try:
        for (language, block), (shows, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
            if language != "sh":
                continue
            if reasons := [start for start in NOT_RUN if block.startswith(start)]:
                not_run += reasons
                continue
            if block.startswith(SERVES):
                reader.start_server(block)
                continue
            if block.startswith(WITHOUT_SERVER):
                reader.stop_server()
            printed = reader.type(block)
            if shows == "text":
                assert comparable(printed).startswith(comparable(shown)), block
                compared += 1
    finally:
        reader.stop_server()
    assert not_run == list(NOT_RUN)
    assert compared == 2
    for kept in ("logs.txt", "kept", "public-key.pem"):
        assert (reader.directory / kept).stat().st_size > 0


def test_the_demo_prints_its_excerpt(tmp_path: Path) -> None:
    [excerpt] = [text for language, text in FENCE.findall(README) if "$ lognotary trace " in text]
    done = subprocess.run(
        [sys.executable, "-m", "server", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path), "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    printed = comparable(done.stdout, VARIES_IN_DEMO)
    for part in comparable(excerpt, VARIES_IN_DEMO).split("  ...\n"):
        assert part in printed


def test_every_make_target_that_it_names_exists() -> None:
    [block] = [text for _, text in FENCE.findall(README) if text.startswith("make setup ")]
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z-]+)", block)) <= set(targets)
