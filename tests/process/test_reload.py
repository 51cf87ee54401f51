"""Signals to a running server, with a small program in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.data_dir.directory import DataDirectory
from server.data_dir.errors import DataDirectoryError
from server.process.reload import Reload, signal_reload

# Holds a data directory as a server does; prints a line when it is ready, and one for each SIGHUP.
_HOLDER = """
import signal, sys
from pathlib import Path
from server.data_dir.directory import DataDirectory
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
with DataDirectory(Path(sys.argv[1])):
    print("ready", flush=True)
    while True:
        print(signal.Signals(signal.sigwait([signal.SIGHUP])).name, flush=True)
"""


@contextmanager
def holding(directory: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(directory)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "ready\n"
            yield holder
        finally:
            holder.kill()


def test_a_server_that_runs_on_the_directory_is_told(tmp_path: Path) -> None:
    with holding(tmp_path) as holder:
        assert holder.stdout is not None
        for _ in range(2):
            assert signal_reload(tmp_path) is Reload.TOLD
            assert holder.stdout.readline() == "SIGHUP\n"
        with pytest.raises(DataDirectoryError, match="another server is running"):
            DataDirectory(tmp_path)


def test_a_server_that_has_ended_is_not_told_though_its_lock_names_it(tmp_path: Path) -> None:
    with holding(tmp_path) as holder:
        assert (tmp_path / "lock").read_text() == f"{holder.pid}\n"
    assert signal_reload(tmp_path) is Reload.NO_SERVER
    DataDirectory(tmp_path).close()


def test_where_no_server_ever_ran_nobody_is_told(tmp_path: Path) -> None:
    assert signal_reload(tmp_path) is Reload.NO_SERVER
    assert signal_reload(tmp_path / "nowhere") is Reload.NO_SERVER
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_does_not_say_who_holds_it_tells_nobody(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):  # this very process: a signal would end it
        for text in ("", "somebody\n"):
            (tmp_path / "lock").write_text(text)
            assert signal_reload(tmp_path) is Reload.NOT_TOLD
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")
    assert signal_reload(tmp_path) is Reload.NO_SERVER


def test_another_process_of_the_servers_number_gets_no_signal(tmp_path: Path) -> None:
    """As in a container, whose processes have other numbers outside."""
    with holding(tmp_path), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "lock").write_text(f"{other.pid}\n")
        assert signal_reload(tmp_path) is Reload.NOT_TOLD
        assert other.stdin is not None
        other.stdin.write(b"\n")
        other.stdin.close()
        assert other.wait(60) == 0


def test_a_server_that_cannot_be_looked_at_is_not_told_and_not_taken_for_absent(tmp_path: Path) -> None:
    with holding(tmp_path):
        (tmp_path / "lock").write_text(f"{1 << 30}\n")  # no such process here
        assert signal_reload(tmp_path) is Reload.NOT_TOLD
