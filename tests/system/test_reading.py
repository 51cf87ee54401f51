"""``lognotary trace`` and ``lognotary audit`` against a real server: whole answers, true exit statuses, a pager."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from storage.clickhouse import connect
from storage.url import parse_storage_url

SHOWN = {"COLUMNS": "100"}


def trace_records(trace_id: str, logs: int, events: int) -> list[LogRecord]:
    """Return logs, and audit events the last of which is a grant, in one trace."""
    now = time.time_ns()
    names = ["noise.read"] * (events - 1) + ["role.grant"]
    return [log_record(f"log {n}", trace_id=trace_id, timestamp=now + n) for n in range(logs)] + [
        log_record("e", trace_id=trace_id, timestamp=now + logs + n, audit_actor_id="eve", audit_action=name)
        for n, name in enumerate(names)
    ]


@pytest.fixture(scope="module")
def long_trace(shared_server: LognotaryServer) -> str:
    """The ID of a trace that has more logs and more audit events than one answer."""
    trace_id = uuid.uuid4().hex
    send(shared_server.otlp_grpc, *trace_records(trace_id, logs=2500, events=1100))
    return trace_id


def trace_calls(server: LognotaryServer) -> float:
    """Return how often GetTrace was called."""
    text = httpx.get(f"{server.http}/metrics", timeout=60.0).text
    [calls] = re.findall(
        r'^lognotary_api_duration_seconds_count{.*"CorrelationService/GetTrace".*} (\S+)$', text, re.MULTILINE
    )
    return float(calls)


def test_no_audit_event_of_a_long_trace_is_left_out_and_all_is_counted(
    shared_server: LognotaryServer, long_trace: str
) -> None:
    done = shared_server.cli("trace", long_trace)
    assert done.returncode == 0
    assert "1,100 audit events, 2,500 logs, 0 spans" in done.stdout
    assert done.stdout.count("eve noise.read") == 1099
    assert "eve role.grant" in done.stdout
    before = trace_calls(shared_server)
    few = shared_server.cli("trace", long_trace, "--limit", "10")
    assert trace_calls(shared_server) - before == 3
    assert re.findall(r" log (\d+)$", few.stdout, re.MULTILINE) == [str(number) for number in range(10)]
    assert few.stdout.count("eve noise.read") == 1099
    assert "1,100 audit events, 2,500 logs, 0 spans" in few.stdout
    assert "eve role.grant" in few.stdout
    assert "… 2,490 logs not shown: give a larger --limit" in few.stdout
    none = shared_server.cli("trace", long_trace, "--limit", "10", "--errors")
    assert "none of the entries that were read matches --errors" in none.stdout
    answer = json.loads(shared_server.cli("trace", long_trace, "--limit", "10", "--json").stdout)
    assert (len(answer["entries"]), answer["truncated"], answer["nextPageToken"]) == (1110, True, "")


def test_filters_show_a_part_and_nothing_found_is_1(shared_server: LognotaryServer, long_trace: str) -> None:
    audit = shared_server.cli("trace", long_trace, "--audit")
    assert (audit.returncode, audit.stdout.count("log 1")) == (0, 0)
    assert "1,100 entries of 3,600 shown" in audit.stdout
    assert shared_server.cli("trace", long_trace, "--errors").returncode == 1
    assert shared_server.cli("trace", long_trace, "--service", "nowhere").returncode == 1


def test_a_row_that_somebody_inserted_is_a_finding_of_a_search_and_of_a_trace(lognotary: LognotaryServer) -> None:
    trace_id = uuid.uuid4().hex
    with lognotary:
        send(lognotary.otlp_grpc, *trace_records(trace_id, logs=1, events=1))
        assert lognotary.cli("trace", trace_id).returncode == lognotary.cli("audit").returncode == 0
    engine = connect(parse_storage_url(lognotary.storage_url))
    engine.execute(
        "INSERT INTO audit_logs (Timestamp, TraceId, ActorId, Action, Outcome) "
        f"VALUES (now64(9), '{trace_id}', 'bob', 'forged', 'success')"
    )
    engine.close()
    with lognotary:
        for command in (("trace", trace_id), ("audit", "--actor", "bob"), ("audit",)):
            done = lognotary.cli(*command)
            assert (done.returncode, "└ ✘ unsigned" in done.stdout) == (1, True), done.stdout
            assert lognotary.cli(*command, "--signatures-only", "--json").returncode == 1
        assert lognotary.cli("audit", "--actor", "eve").returncode == 0


def run_on_terminal(server: LognotaryServer, *arguments: str, **env: str) -> tuple[str, int]:
    """Run a command on a terminal of 24 rows; returns all that it printed there, and its exit status."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "server", *arguments, "--api", server.api_grpc]
    variables = {**os.environ, "LINES": "24", "COLUMNS": "100", **env}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=variables) as process:
        os.close(its)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not piece:
                break
            printed += piece
    os.close(ours)
    return printed.decode(), process.returncode


def test_a_long_answer_on_a_terminal_goes_through_the_pager_in_colour(
    shared_server: LognotaryServer, long_trace: str, tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\necho paged\n")
    pager.chmod(0o755)
    printed, status = run_on_terminal(shared_server, "trace", long_trace, "--audit", PAGER=str(pager))
    assert (printed.strip(), status) == ("paged", 0)
    paged = (tmp_path / "paged").read_text()
    assert "eve role.grant" in paged
    assert "\x1b[1;35m" in paged
    for arguments, env in ((("--no-pager",), {}), ((), {"PAGER": "cat"}), ((), {"PAGER": ""})):
        (tmp_path / "paged").unlink(missing_ok=True)
        variables = {"PAGER": str(pager), "NO_COLOR": "1", **env}
        printed, status = run_on_terminal(shared_server, "trace", long_trace, "--audit", *arguments, **variables)
        assert (status, "eve role.grant" in printed, "\x1b" in printed) == (0, True, False)
        assert not (tmp_path / "paged").exists()


def test_a_pager_that_is_left_early_ends_the_command_in_order(shared_server: LognotaryServer, long_trace: str) -> None:
    printed, status = run_on_terminal(shared_server, "trace", long_trace, PAGER="head -n 1")
    assert status == 0
    assert printed.count("\n") == 1


def test_times_are_shown_and_read_in_the_local_zone_or_in_utc(shared_server: LognotaryServer) -> None:
    word, moment = uuid.uuid4().hex, 1_785_000_000 * 10**9  # 2026-07-25T17:20:00Z
    trace_id = uuid.uuid4().hex
    event: dict[str, Any] = {"log_type": "audit", "audit_actor_id": word, "audit_action": "a"}
    send(shared_server.otlp_grpc, log_record(word, trace_id=trace_id, timestamp=moment, **event))
    zone = {"TZ": "Asia/Kolkata", "LOGNOTARY_API": shared_server.api_grpc}
    heading = "times are local (IST, now +05:30): --utc shows them in UTC"
    local, utc = "2026-07-25T22:50:00+05:30", "2026-07-25T17:20:00Z"
    begin = ["--since", "2026-07-25 22:49", "--until", "2026-07-25 22:51"]
    commands: list[tuple[str, ...]] = [
        ("search", word),
        ("audit", "--actor", word),
        ("actor", word),
        ("traces", word),
        ("histogram", word),
        ("trace", trace_id),
    ]
    for command in commands:
        ranged = [] if command[0] == "trace" else begin
        done = run_lognotary(*command, *ranged, env=zone)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, heading), done.stderr
        assert (local in done.stdout, utc in done.stdout) == (True, False)
        assert run_lognotary(*command, *ranged, "--utc", env=zone).returncode == (0 if not ranged else 1)
        shown = run_lognotary(*command, "--utc", env=zone)
        assert (heading in shown.stdout, local in shown.stdout, utc in shown.stdout) == (False, False, True)
    listed = run_lognotary("search", word, "--json", env=zone)
    assert utc in listed.stdout
    assert "+05:30" in run_lognotary("status", env=zone).stdout


def test_all_that_is_found_is_shown_as_csv_too(shared_server: LognotaryServer) -> None:
    word, trace_id = uuid.uuid4().hex, uuid.uuid4().hex
    event: dict[str, Any] = {
        "log_type": "audit",
        "audit_actor_id": word,
        "audit_action": "=a",
        "audit_target_id": f"t-{word}",
    }
    send(shared_server.otlp_grpc, log_record(f"{word} \x1b[2J", trace_id=trace_id, **event))

    def rows(*command: str) -> list[dict[str, str]]:
        done = shared_server.cli(*command, "--csv")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return list(csv.DictReader(io.StringIO(done.stdout, newline="")))

    for command in (
        ("search", word),
        ("audit", "--actor", word),
        ("actor", word),
        ("target", f"t-{word}"),
        ("trace", trace_id),
    ):
        (row,) = rows(*command)
        assert (row["actor"], row["action"], row["trace"], row["evidence"]) == (word, "'=a", trace_id, "verified")
        assert row["body"] == f"{word} \x1b[2J"
        (near,) = rows("near", f"{row['log']}#{row['leaf']}", "--by", "actor")
        assert near == row
    (trace,) = rows("traces", word)
    assert (trace["trace"], trace["actors"], trace["leaf"]) == (trace_id, word, row["leaf"])
    assert [row["count"] for row in rows("histogram", word, "--by", "service")] == ["1"]
    assert rows("facets", word, "--field", "action") == [
        {"field": "action", "value": "'=a", "is_other": "false", "count": "1"}
    ]
    send(shared_server.otlp_grpc, log_record(word))
    more = shared_server.cli("search", word, "--csv", "--limit", "1")
    assert "… more records are not shown" in more.stderr
    both = shared_server.cli("search", word, "--csv", "--json")
    assert (both.returncode, "--csv and --json are given" in both.stderr) == (2, True)


def test_a_trace_id_is_understood_everywhere_as_other_tools_write_it(shared_server: LognotaryServer) -> None:
    word, trace_id = uuid.uuid4().hex, uuid.uuid4().hex
    event: dict[str, Any] = {"log_type": "audit", "audit_actor_id": word, "audit_action": "a"}
    send(shared_server.otlp_grpc, log_record(word, trace_id=trace_id, **event))
    forms = [trace_id.upper(), str(uuid.UUID(trace_id)), f"1-{trace_id[:8]}-{trace_id[8:]}", f"0x{trace_id}"]
    for form in [*forms, f"00-{trace_id}-00f067aa0ba902b7-01", f"{trace_id}-e457b5a2e4d86bd1-1"]:
        for path, parameters in (
            (f"traces/{form}", {}),
            ("search", {"query": f"trace:{form}"}),
            ("audit-events", {"trace_id": form}),
            ("traces", {"query": f"trace:{form}"}),
        ):
            answer = httpx.get(f"{shared_server.http}/api/v1/{path}", params=parameters, timeout=60.0)
            assert (answer.status_code, word in answer.text) == (200, True), (path, form)
    link = httpx.get(f"{shared_server.http}/trace/{forms[2]}", timeout=60.0, follow_redirects=True)
    assert (link.status_code, link.url.path, word in link.text) == (200, f"/api/v1/traces/{trace_id}", True)
    broken = httpx.get(f"{shared_server.http}/trace/xyz", timeout=60.0)
    assert (broken.status_code, "is not a trace ID" in broken.json()["message"]) == (400, True)
    for command in (("trace", forms[2]), ("audit", "--trace", forms[2]), ("search", f"trace:{forms[2]}")):
        assert word in shared_server.cli(*command).stdout
