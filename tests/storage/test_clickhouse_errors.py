"""Errors of the engines say that nothing was stored, or that it may have been."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.clickhouse_http import ClickHouseServer
from storage.clickhouse import connect, connect_to_read
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageBusyError, StorageError
from storage.migrate import migrate
from storage.native import PlainColumn, encode_block
from storage.rowbinary import read_rows, uint64
from storage.schema import TableColumn
from storage.url import EmbeddedUrl, parse_storage_url

from .relay import Mode, Relay, relay_to

_BLOCK = encode_block([TableColumn("x", "UInt64")], [[PlainColumn((7).to_bytes(8, "little"))]], 1)


@pytest.fixture
def engine(storage_url: str) -> Iterator[Engine]:
    """An engine of the test's own and not the module's: other tests here open embedded storages themselves."""
    opened = connect(parse_storage_url(storage_url))
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def relayed(clickhouse_server: ClickHouseServer) -> Iterator[tuple[Engine, Relay]]:
    """An engine that reaches its server through a relay, with an empty table ``t``."""
    with clickhouse_server.fresh_database() as database, relay_to(clickhouse_server.url) as relay:
        engine = connect(parse_storage_url(f"{relay.url}/{database}"))
        engine.execute(
            "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 9"
        )
        yield engine, relay
        engine.close()


def count(engine: Engine) -> int:
    (rows,) = read_rows(engine.query("SELECT count() FROM t"), (uint64,))
    return int(rows[0])


def insert(engine: Engine, token: str = "a batch") -> None:  # noqa: S107 - no password
    engine.insert("t", ["x"], _BLOCK, token)


def test_what_is_asked_of_a_closed_engine_fails_and_waits_for_nothing(storage_url: str) -> None:
    closed = connect(parse_storage_url(storage_url))
    closed.close()
    with pytest.raises(NotAppliedError, match="storage was closed"):
        closed.query("SELECT 1")
    closed.close()


def test_a_server_that_is_not_there_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotAppliedError, match="cannot be reached"):
        connect(parse_storage_url(f"http://127.0.0.1:{port}/db"))


def test_a_host_that_does_not_exist_is_not_reached() -> None:
    with pytest.raises(NotAppliedError, match="cannot be reached"):
        connect(parse_storage_url("http://nowhere.invalid/db"))


def test_a_wrong_password_is_refused_and_not_shown(clickhouse_server: ClickHouseServer) -> None:
    url = clickhouse_server.url.replace("http://", "http://nobody:secret@")
    with pytest.raises(NotAppliedError) as refusal:
        connect(parse_storage_url(url))
    assert "secret" not in str(refusal.value)


def test_a_server_that_goes_away_before_a_statement_has_not_applied_it(relayed: tuple[Engine, Relay]) -> None:
    engine, relay = relayed
    relay.shutdown()  # a thread that still waits at the socket would keep it open
    relay.server_close()
    for statement in (lambda: insert(engine), lambda: engine.execute("TRUNCATE TABLE t"), lambda: count(engine)):
        with pytest.raises(NotAppliedError, match="cannot be reached"):
            statement()


@pytest.mark.parametrize(("mode", "stored"), [(Mode.LOSE_REQUEST, 0), (Mode.LOSE_ANSWER, 1)])
def test_without_an_answer_it_is_open_whether_an_insert_was_stored(
    relayed: tuple[Engine, Relay], mode: Mode, stored: int
) -> None:
    engine, relay = relayed
    relay.mode = mode
    with pytest.raises(OutcomeUnknownError):
        insert(engine)
    relay.mode = Mode.FORWARD
    assert count(engine) == stored
    insert(engine)  # with the same token
    assert count(engine) == 1
    insert(engine, "another token")
    assert count(engine) == 2


def test_a_server_that_dies_before_its_answer_leaves_it_open_whether_an_insert_was_stored(
    relayed: tuple[Engine, Relay],
) -> None:
    engine, relay = relayed
    relay.mode = Mode.DIE_BEFORE_ANSWER
    with pytest.raises(OutcomeUnknownError):
        insert(engine)


@pytest.mark.parametrize("status", [500, 404, 403])
def test_an_exception_of_the_server_means_that_nothing_was_stored(relayed: tuple[Engine, Relay], status: int) -> None:
    engine, relay = relayed
    relay.mode, relay.status = Mode.ANSWER, status
    relay.headers = {"X-ClickHouse-Exception-Code": "252"}
    relay.body = b"Code: 252. DB::Exception: Too many parts (300). (TOO_MANY_PARTS) (version 26.9)\n"
    with pytest.raises(NotAppliedError, match="Too many parts"):
        insert(engine)


@pytest.mark.parametrize("code", [159, 209, 210, 319, 394])
def test_some_exceptions_of_the_server_leave_it_open(relayed: tuple[Engine, Relay], code: int) -> None:
    engine, relay = relayed
    relay.mode, relay.status = Mode.ANSWER, 500
    relay.headers = {"X-ClickHouse-Exception-Code": str(code)}
    relay.body = f"Code: {code}. DB::Exception: Gave up waiting. (SOME_NAME) (version 26.9)\n".encode()
    with pytest.raises(OutcomeUnknownError, match="Gave up waiting"):
        insert(engine)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_error_of_a_gateway_in_between_leaves_it_open(relayed: tuple[Engine, Relay], status: int) -> None:
    engine, relay = relayed
    relay.mode, relay.status, relay.body = Mode.ANSWER, status, b"<html>upstream timed out</html>"
    with pytest.raises(OutcomeUnknownError):
        insert(engine)


def test_a_statement_that_the_engine_refuses_is_not_applied(engine: Engine) -> None:
    with pytest.raises(NotAppliedError):
        engine.execute("DROP TABLE no_such_table")
    with pytest.raises(NotAppliedError):
        engine.insert("no_such_table", ["x"], _BLOCK, "token")
    with pytest.raises(StorageError):
        engine.query("SELECT no_such_column")


def test_a_block_that_is_cut_short_is_refused_whole(engine: Engine) -> None:
    engine.execute("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    for block in (_BLOCK[:-1], b"nonsense"):
        with pytest.raises(NotAppliedError):
            engine.insert("t", ["x"], block, "token")
    assert count(engine) == 0


def test_parameters_are_values_and_never_sql(engine: Engine) -> None:
    awkward = "'; DROP TABLE otel_logs; -- \\ {x:String}"
    rows = engine.query("SELECT length({x:String}), {n:UInt64}", {"x": awkward, "n": 2**64 - 1})
    assert list(read_rows(rows, (uint64, uint64))) == [(len(awkward), 2**64 - 1)]


def test_the_engine_says_what_it_is(engine: Engine, storage_url: str) -> None:
    assert engine.info.exclusive == storage_url.startswith("chdb:")
    assert engine.info.version >= (24, 1)
    assert engine.info.name in (storage_url, storage_url.replace("http://", "http://default@"))


_HOLDER = """
import sys
from storage.clickhouse import connect, connect_to_read
from storage.url import parse_storage_url
engine = connect(parse_storage_url(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
engine.close()
"""


def test_an_embedded_directory_is_of_one_process_at_a_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = EmbeddedUrl(tmp_path / "chdb")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(url)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n"
            for opening in (connect, connect_to_read):
                with pytest.raises(StorageBusyError, match=f"in use by the process {holder.pid}.* one process") as busy:
                    opening(url)
                assert "DB::Exception" not in str(busy.value)
            assert capfd.readouterr().err == ""  # the engine prints nothing of its own
        finally:
            holder.communicate("")
    assert holder.returncode == 0
    engine = connect(url)
    migrate(engine)
    engine.close()


def test_an_embedded_directory_can_be_closed_and_opened_again(tmp_path: Path) -> None:
    url = EmbeddedUrl(tmp_path / "chdb")
    for _ in range(2):
        engine = connect(url)
        with suppress(NotAppliedError):
            engine.execute("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
        insert(engine, token="")
        engine.close()
    engine = connect(url)
    assert count(engine) == 2
    engine.close()
