"""Values from storage, files and answers that are made to deceive a terminal: no command prints them as they are."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from storage.clickhouse import connect
from storage.engine import Engine
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

DECEIT = "\x1b]0;owned\x07\x1b[2J\x1b[32m\r\n✔ verified\t\x00\x7f\x9b31m\u0085\u200b\u2028\u2029\u202e\u2066"
HOSTILE = DECEIT + "A" * 20_000
LONGEST_LINE = 6000  # characters: several values stand on a line, each of limited length
TABLES = ("otel_logs", "audit_logs", "log_batches", "log_tiles", "log_statements", "otel_traces", "log_writers")
_LITERAL = f"concat(unhex('{DECEIT.encode().hex()}'), repeat('A', 20000))"


def spoil(engine: Engine) -> None:
    """Add rows to every table, each with a hostile value in one of the columns of text, and one with all of them."""
    for table in TABLES:
        rows = engine.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
            "AND default_kind IN ('', 'DEFAULT') AND type IN ('String', 'LowCardinality(String)')",
            {"table": table},
        )
        columns = [name for name, _ in read_rows(rows, (text, text))]
        assert columns
        shown = [name for name in columns if name not in ("TraceId", "LogId", "ActorId")]
        for names in (*([name] for name in columns), shown):
            replaced = ", ".join(f"{_LITERAL} AS `{name}`" for name in names)
            engine.execute(f"INSERT INTO {table} SELECT * REPLACE ({replaced}) FROM {table} LIMIT 1")


@dataclass(frozen=True)
class Spoiled:
    """A store with hostile values.

    Attributes:
        writer: the server that wrote it, stopped; hostile characters are in the name of its data directory too.
        reader: a server that runs on it.
        trace_id: a trace.
    """

    writer: LognotaryServer
    reader: LognotaryServer
    trace_id: str


@pytest.fixture
def spoiled(storage_url: str, tmp_path: Path) -> Iterator[Spoiled]:
    server = LognotaryServer(storage_url, tmp_path / "da\x1b[2J\u202eta", batch_age=0.02)
    server.start()
    trace_id = uuid.uuid4().hex
    for body in ("plain", HOSTILE):
        event = log_record(body, trace_id=trace_id, audit_actor_id=body, audit_action=body)
        line = log_record(body, trace_id=trace_id, some_attribute=body)
        line.severity_text = body
        send(server.otlp_grpc, event, line, service=body)
    assert server.stop() == 0
    with closing(connect(parse_storage_url(storage_url))) as engine:
        engine.execute(
            "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, SpanName, StatusCode, Duration) "
            f"VALUES (now64(9), '{trace_id}', '0102030405060708', 'GET /', 'Ok', 1000)"
        )
        spoil(engine)
    # Another one: a server does not go on with a log that was altered.
    reader = LognotaryServer(storage_url, tmp_path / "reader", public_keys=str(server.public_key), self_verify="1h")
    with reader:
        yield Spoiled(server, reader, trace_id)


def commands(spoiled: Spoiled) -> Iterator[list[str]]:
    server, trace_id = spoiled.reader, spoiled.trace_id
    for arguments in (
        ["verify"],
        ["verify", "--since", "1h"],
        ["trace", trace_id],
        ["trace", trace_id, "--signatures-only"],
        ["audit"],
        ["audit", "--trace", trace_id],
        ["checkpoint"],
        ["checkpoint", "--list"],
        *(["prove", f"{log}#{leaf}", "-o", f"bundle-{log}-{leaf}"] for log in own_logs(server) for leaf in (0, 1)),
    ):
        yield [*arguments, "--api", server.api_grpc]
    yield ["keys", "list", "--data-dir", str(spoiled.writer.data_dir)]
    yield ["journal", "inspect", "--data-dir", str(spoiled.writer.data_dir)]


def own_logs(server: LognotaryServer) -> list[str]:
    listed = json.loads(server.cli("checkpoint", "--list", "--json").stdout)["logs"]
    return sorted({log["logId"] for log in listed if re.fullmatch("[0-9a-f]{16}", log["logId"])})


def assert_plain(printed: str, arguments: list[str]) -> None:
    raw = {character for character in printed if not character.isprintable()} - {"\n"}
    assert not raw, (arguments, raw, printed[:2000])
    assert max(map(len, printed.split("\n"))) <= LONGEST_LINE, arguments


def test_no_command_and_no_log_has_control_characters_or_endless_lines(
    spoiled: Spoiled,
) -> None:
    server = spoiled.reader
    escaped = set()
    for arguments in commands(spoiled):
        done = run_lognotary(*arguments, cwd=server.directory)
        assert "Traceback" not in done.stderr, done.stderr
        for printed in (done.stdout, done.stderr):
            assert_plain(printed, arguments)
            escaped |= {arguments[0]} if "\\x1b" in printed and "\\u202e" in printed else set()
        as_json = run_lognotary(*arguments, "--json", cwd=server.directory)
        assert as_json.stdout.isascii(), arguments
        assert "\x7f" not in as_json.stdout
        assert_plain(as_json.stderr, arguments)
    assert escaped >= {"verify", "trace", "audit", "checkpoint", "keys", "journal"}
    server.wait_for_log("self-verification: ")
    assert_plain(server.log_text(), ["serve"])
    server.stop()
    refused = run_lognotary("serve", "--storage", server.storage_url, "--data-dir", str(spoiled.writer.data_dir))
    assert refused.returncode == 2
    assert_plain(refused.stderr, ["serve"])
    for command in (["verify"], ["prove", f"{'0' * 16}#0"]):
        arguments = [*command, "--storage", server.storage_url, "--data-dir", str(spoiled.writer.data_dir)]
        done = run_lognotary(*arguments, cwd=server.directory)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert_plain(done.stdout, arguments)
        assert_plain(done.stderr, arguments)


def test_a_bundle_with_hostile_values_is_checked_without_printing_them(
    spoiled: Spoiled,
) -> None:
    server = spoiled.reader
    checked = 0
    for number, log in enumerate(own_logs(server)):
        bundle = server.directory / f"bundle-{number}"
        if server.cli("prove", f"{log}#1", "-o", str(bundle)).returncode:
            continue  # its only copy is another now
        arguments = ["check", str(bundle), "--public-key", str(spoiled.writer.public_key)]
        done = run_lognotary(*arguments)
        checked += 1
        assert done.returncode == 0, done.stdout
        assert_plain(done.stdout, arguments)
        assert "\\x1b]0;owned" in done.stdout
        assert "\\u202e" in done.stdout
        assert run_lognotary(*arguments, "--json").stdout.isascii()
        (bundle / f"\x1b[2J\u202e{'x' * 100}").write_bytes(b"")
        for file in ("record.json", "checkpoint"):
            (bundle / file).write_text(HOSTILE, encoding="utf-8")
        broken = run_lognotary(*arguments)
        assert broken.returncode == 1
        assert_plain(broken.stdout + broken.stderr, arguments)
    assert checked
