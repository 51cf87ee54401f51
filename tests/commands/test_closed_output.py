"""Output that cannot be written: closed, full, or read by nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["verify", "--help"],
        ["--version"],
        ["config", "show"],
        ["config", "show", "--batch-age", "nonsense"],
    ],
)
@pytest.mark.parametrize("closed", [("stdout",), ("stdout", "stderr")])
def test_a_command_whose_output_nobody_reads_to_the_end_is_no_success(
    arguments: list[str], closed: tuple[str, ...], tmp_path: Path
) -> None:
    unread, output = os.pipe()
    os.close(unread)
    command = [sys.executable, "-m", "server", *arguments]
    errors = output if "stderr" in closed else subprocess.PIPE
    done = subprocess.run(command, cwd=tmp_path, stdout=output, stderr=errors, check=False)
    os.close(output)
    assert (done.returncode, done.stderr or b"") == (141, b"")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["search"], ["status"], ["verify"], ["serve"], ["x"]])
def test_a_closed_output_is_refused_before_anything_runs(arguments: list[str], tmp_path: Path) -> None:
    shell = f"exec {sys.executable} -m server {' '.join(arguments)}"
    done = subprocess.run(["sh", "-c", f"{shell} >&-"], cwd=tmp_path, capture_output=True, text=True, check=False)
    message = "lognotary: the standard output is closed: redirect it to a file, or to /dev/null\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    done = subprocess.run(["sh", "-c", f"{shell} >&- 2>&-"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_message_that_cannot_be_written_is_not_written_elsewhere(redirection: str) -> None:
    shell = f"exec {sys.executable} -m server flyy {redirection}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["verify", "--help"], ["config", "show"]])
def test_a_full_disk_is_reported_once(arguments: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "server", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    (message,) = done.stderr.splitlines()
    assert message.startswith("lognotary: ")
    assert message.endswith("no space left on device")
    assert done.returncode == 2
