"""The server works under what the image and the systemd unit leave it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.confined import confined
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "docs" / "lognotary.service"
HEALTH_CHECK = ROOT / "docker" / "healthcheck.py"


def health_check(port: int) -> int:
    return subprocess.run([sys.executable, str(HEALTH_CHECK), str(port)], timeout=60, check=False).returncode


def write_confined(file: str, directory: Path) -> subprocess.CompletedProcess[str]:
    state, new_root = directory / "state", directory / "root"
    state.mkdir()
    new_root.mkdir()
    command = [*confined(UNIT, state, new_root), sys.executable, "-c", f"open({file!r}, 'x')"]
    return subprocess.run(command, cwd=state, capture_output=True, text=True, timeout=60, check=False)


def statuses(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))


def test_a_server_without_rights_on_a_read_only_system_stores_and_verifies(tmp_path: Path) -> None:
    state, new_root = tmp_path / "state", tmp_path / "root"
    state.mkdir()
    new_root.mkdir()
    within = confined(UNIT, state, new_root)
    server = LognotaryServer(
        f"chdb://{state / 'data' / 'chdb'}", state / "data", env={"PYTHONDONTWRITEBYTECODE": "1"}, within=within
    )
    server.start()
    try:
        status = statuses(server.pid)
        assert status["Uid"].split() == ["10001"] * 4
        assert {status[name].strip("0") for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh")} == {""}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")  # 2: a filter of system calls
        for number in range(5):  # a query that is repeated is one that ClickHouse would compile
            send(server.otlp_grpc, log_record(f"number {number}"))
            found = server.cli("search", f"number {number}")
            assert (found.returncode, f"number {number}" in found.stdout) == (0, True), found.stderr + server.log_tail()
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], 5)
        port = urlsplit(server.http).port or 0
        assert health_check(port) == 0
    finally:
        assert server.stop() == 0, server.log_tail()
    assert health_check(port) == 1


@pytest.mark.parametrize("place", ["{root}", "/etc", "/proc/sys/kernel"])
def test_nothing_else_can_be_written(place: str, tmp_path: Path) -> None:
    done = write_confined(f"{place.format(root=ROOT)}/x", tmp_path)
    assert done.returncode == 1
    assert re.search("Read-only file system|No such file|Permission denied", done.stderr)


@pytest.mark.parametrize("place", ["/tmp", "{state}"])  # noqa: S108 - the one of the confined process
def test_its_state_and_temporary_files_can_be_written(place: str, tmp_path: Path) -> None:
    done = write_confined(f"{place.format(state=tmp_path / 'state')}/x", tmp_path)
    assert done.returncode == 0, done.stderr
