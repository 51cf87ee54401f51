"""``lognotary tail`` and ``audit --follow``: their output, also over restarts of the server, and their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.signals import not_ignored
from harness.waiting import PATIENCE, wait_for

FollowFunction = Callable[..., "Followed"]


class Followed:
    """A tail command with its output in files."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        name = uuid.uuid4().hex
        self.out, self.err = directory / f"{name}.out", directory / f"{name}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err, not_ignored(signal.SIGINT):
            self.process = subprocess.Popen([sys.executable, "-m", "server", *arguments], stdout=out, stderr=err)

    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def wait_for(self, text: str) -> None:
        wait_for(lambda: text in self.out.read_text() or self.process.poll() is not None)
        assert text in self.out.read_text(), self.err.read_text()

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[FollowFunction]:
    """A function that starts a tail command, and returns once its cursor file shows that it follows."""
    begun: list[Followed] = []

    def start(server: LognotaryServer, *arguments: str) -> Followed:
        begun.append(Followed(tmp_path, *arguments, "--api", server.api_grpc))
        return begun[-1]

    yield start
    for one in begun:
        one.process.kill()
        one.process.wait()


def begun_at(cursor: Path) -> Callable[[], bool]:
    return lambda: cursor.exists() and bool(cursor.read_text())


def test_a_tail_shows_records_with_their_places_until_it_is_interrupted(
    shared_server: LognotaryServer, follow: FollowFunction, tmp_path: Path
) -> None:
    word = f"w{uuid.uuid4().hex[:8]}"
    one = follow(shared_server, "tail", word, "--cursor-file", str(tmp_path / "cursor"))
    wait_for(begun_at(tmp_path / "cursor"))
    send(shared_server.otlp_grpc, log_record("another"), log_record(f"order paid {word}"))
    one.wait_for(word)
    (line, place) = one.lines()
    assert f"INFO order paid {word}" in line
    assert "service shop" in place
    assert (one.interrupt(), one.err.read_text()) == (130, "")


def test_a_tail_goes_on_from_its_cursor_file_and_over_a_restart_of_the_server(
    lognotary: LognotaryServer, follow: FollowFunction, tmp_path: Path
) -> None:
    cursor = tmp_path / "cursor"
    lognotary.start()
    api = lognotary.api_grpc
    lognotary.stop()
    fixed = LognotaryServer(lognotary.storage_url, lognotary.data_dir, batch_age=0.02, api_grpc=api)
    with fixed:
        one = follow(fixed, "tail", "--json", "--cursor-file", str(cursor))
        wait_for(begun_at(cursor))
        send(fixed.otlp_grpc, log_record("first"))
        one.wait_for("first")
        fixed.kill()
        wait_for(lambda: "connecting again" in one.err.read_text())
        fixed.start()
        send(fixed.otlp_grpc, log_record("second"))
        one.wait_for("second")
        assert "the tail resumes where it was" in one.err.read_text()
        one.interrupt()
        send(fixed.otlp_grpc, log_record("third"))
        two = follow(fixed, "tail", "--json", "--cursor-file", str(cursor))
        two.wait_for("third")
        shown = [entry["log"]["body"] for answer in one.objects() + two.objects() for entry in answer["entries"]]
        assert shown == ["first", "second", "third"]


def test_audit_follow_shows_the_events_of_its_filters(shared_server: LognotaryServer, follow: FollowFunction) -> None:
    actor = f"a{uuid.uuid4().hex[:8]}"

    def event(action: str, **fields: str) -> None:
        attributes: dict[str, Any] = {
            "audit_actor_id": actor,
            "audit_action": action,
            "audit_outcome": "success",
            **fields,
        }
        send(shared_server.otlp_grpc, log_record(f"did {action}", log_type="audit", **attributes))

    one = follow(shared_server, "audit", "--follow", "--actor", actor, "--action", "role.*")
    number = 0
    while not one.lines():  # a command says nothing when it begins
        event("login")
        event(f"role.grant{number}")
        number += 1
    (line, *_) = one.lines()
    assert f"AUDIT {actor} role.grant" in line
    assert "login" not in one.out.read_text()
    assert one.interrupt() == 130


def test_a_tail_ends_when_nobody_reads_its_output(shared_server: LognotaryServer) -> None:
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "server", "tail", "nothinglikethis", "--api", shared_server.api_grpc]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        os.close(reader)
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_what_is_wrong_is_said_at_once(shared_server: LognotaryServer, tmp_path: Path) -> None:
    (tmp_path / "cursor").write_text("x\n")
    (tmp_path / "binary").write_bytes(b"\xff\0")
    for arguments, message in (
        (("tail", "severity:erorr"), "'erorr' is not a severity"),
        (("tail", "--cursor", "x"), "cursor: the cursor does not come from a tail"),
        (
            ("tail", "--cursor-file", str(tmp_path / "cursor")),
            f"--cursor-file {tmp_path / 'cursor'}: the cursor does not come from a tail: leave the cursor out to "
            "begin with records committed from now on (delete the file to leave the cursor out)",
        ),
        (
            ("tail", "--cursor-file", str(tmp_path / "binary")),
            f"--cursor-file {tmp_path / 'binary'}: this is not a cursor of a tail: delete the file",
        ),
        (("audit", "--follow", "--since", "1h"), "--since cannot be used with --follow"),
    ):
        done = shared_server.cli(*arguments)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
