"""The server's log from its first to its last line, as text and as JSON."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from server.codec.choose import chosen_codec

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING) ")


def test_a_start_says_what_runs_and_warns_of_open_ports_and_an_end_says_that_it_ends(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    server = LognotaryServer(
        storage, tmp_path / "data", otlp_http="0.0.0.0:0", insecure_listen="true", memory_limit=2 << 30
    )
    with server:
        address = server.otlp_grpc
    lines = server.log_text().splitlines()
    assert all(map(TIME.match, lines)), lines
    for said in (
        r"lognotary 0\.\S+ is starting: ",
        f"storage {storage}",
        f"data directory {server.data_dir}",
        r"signing key [0-9a-f]{16}",
        f"codec {chosen_codec('auto')}",
        r"retention 400 days \(audit\), 30 days \(operational\) and 30 days \(spans\)",
        r"memory limit 2 GiB",
    ):
        assert re.search(said, lines[0]), lines[0]
    assert "otlp_http=0.0.0.0:0" in lines[1]
    assert any(f"lognotary is ready: otlp_grpc={address}" in line for line in lines)
    assert sum("shutting down: committing accepted requests, refusing new ones" in line for line in lines) == 1
    assert lines[-1].endswith(": stopped")


def test_in_json_every_line_is_json(tmp_path: Path) -> None:
    server = LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", json_output=False, log_format="json")
    with server:
        assert json.loads(server.output_text())["ready"] is True
    messages = [json.loads(line)["message"] for line in server.log_text().splitlines()]
    assert messages[0].startswith("lognotary 0.")
    assert any(message.startswith("lognotary is ready: otlp_grpc=127.0.0.1:") for message in messages)


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_start_that_fails_says_why_in_the_form_of_the_log(tmp_path: Path, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = f"127.0.0.1:{listening.getsockname()[1]}"
        others = ("--otlp-grpc", "127.0.0.1:0", "--api-grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
        flags = ("--data-dir", str(tmp_path / "data"), "--log-format", form, "--otlp-http", taken, *others)
        done = run_lognotary("serve", *flags, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    *_, last = done.stderr.splitlines()
    if form == "json":
        assert [json.loads(line)["level"] for line in done.stderr.splitlines()][-1] == "CRITICAL"
    assert f"cannot listen on {taken}" in last
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("form", ["json", "text"])
def test_wrong_settings_are_reported_in_the_form_of_the_log(tmp_path: Path, form: str) -> None:
    flags = ("--workers", "0", "--batch-rows", "none", "--log-format", form)
    done = run_lognotary("serve", *flags, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    if form == "json":
        told = [json.loads(line) for line in lines]
        assert {line["level"] for line in told} == {"CRITICAL"}
        lines = [line["message"] for line in told]
    assert len(lines) == 2
    assert "--workers: 0 is too small: give 1 or more" in lines[0]
    assert "--batch-rows: 'none' is not a whole number" in lines[1]
