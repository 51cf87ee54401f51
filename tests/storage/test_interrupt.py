"""Queries that another thread interrupts."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.waiting import PATIENCE, wait_for
from storage.clickhouse import connect
from storage.engine import Engine
from storage.interrupt import Interrupt, InterruptedQueryError
from storage.url import parse_storage_url

CLIENTS = 2


@pytest.fixture
def on_server(clickhouse_server: ClickHouseServer) -> Iterator[Engine]:
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with contextlib.closing(connect(parse_storage_url(url), clients=CLIENTS)) as engine:
            yield engine


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * CLIENTS) as pool:
        yield pool


def endless(mark: str) -> str:
    return f"SELECT sum(cityHash64(number)) AS `{mark}` FROM numbers(1000000000000000)"


def endless_rows(mark: str) -> str:
    return f"SELECT number AS `{mark}` FROM numbers(1000000000000000)"


def running(server: ClickHouseServer, mark: str) -> int:
    where = f"query LIKE '%{mark}%' AND query NOT LIKE '%system.processes%'"
    return int(server.query(f"SELECT count() FROM system.processes WHERE {where}"))


def run_with(engine: Engine, interrupt: Interrupt, work: Callable[[], object]) -> None:
    with engine.interrupted_by(interrupt):
        work()


def test_an_interrupted_query_ends_at_once_on_both_sides(
    clickhouse_server: ClickHouseServer, on_server: Engine, threads: ThreadPoolExecutor
) -> None:
    mark, interrupt = uuid.uuid4().hex, Interrupt()
    query = threads.submit(run_with, on_server, interrupt, lambda: on_server.query(endless(mark)))
    wait_for(lambda: running(clickhouse_server, mark) == 1)
    interrupt.set()
    with pytest.raises(InterruptedQueryError):
        query.result(PATIENCE)
    wait_for(lambda: running(clickhouse_server, mark) == 0)
    for _ in range(CLIENTS):  # the connections are well again, for whoever is not interrupted
        assert on_server.query("SELECT toUInt8(7)") == b"\x07"


def test_an_answer_in_pieces_is_interrupted_between_and_within_pieces(
    clickhouse_server: ClickHouseServer, on_server: Engine
) -> None:
    mark, interrupt = uuid.uuid4().hex, Interrupt()
    pieces = on_server.query_in_pieces(endless_rows(mark))
    with on_server.interrupted_by(interrupt):
        assert next(pieces)
    threading.Thread(target=interrupt.set).start()
    with pytest.raises(InterruptedQueryError):
        for _ in pieces:
            pass
    wait_for(lambda: running(clickhouse_server, mark) == 0)
    assert on_server.query("SELECT toUInt8(7)") == b"\x07"


def test_who_waits_for_a_connection_is_interrupted_too(
    clickhouse_server: ClickHouseServer, on_server: Engine, threads: ThreadPoolExecutor
) -> None:
    mark, others, interrupt = uuid.uuid4().hex, Interrupt(), Interrupt()

    def ask(by: Interrupt) -> Future[None]:
        return threads.submit(run_with, on_server, by, lambda: on_server.query(endless(mark)))

    busy = [ask(others) for _ in range(CLIENTS)]
    wait_for(lambda: running(clickhouse_server, mark) == CLIENTS)
    waiting = ask(interrupt)
    interrupt.set()
    with pytest.raises(InterruptedQueryError):
        waiting.result(PATIENCE)
    assert not any(query.done() for query in busy)
    others.set()
    for query in busy:
        with pytest.raises(InterruptedQueryError):
            query.result(PATIENCE)


def test_an_engine_can_be_interrupted_as_a_whole_and_then_be_closed(
    clickhouse_server: ClickHouseServer, threads: ThreadPoolExecutor
) -> None:
    mark, interrupt = uuid.uuid4().hex, Interrupt()
    with contextlib.closing(connect(parse_storage_url(clickhouse_server.url), interrupt=interrupt)) as engine:
        query = threads.submit(engine.query, endless(mark))
        wait_for(lambda: running(clickhouse_server, mark) == 1)
        interrupt.set()
    with pytest.raises(InterruptedQueryError):
        query.result(PATIENCE)


def test_an_interrupt_holds_in_its_block_and_its_thread_only(module_engine: Engine) -> None:
    interrupt = Interrupt()
    interrupt.set()
    with module_engine.interrupted_by(interrupt):
        with pytest.raises(InterruptedQueryError):
            module_engine.query("SELECT toUInt8(7)")
        with ThreadPoolExecutor(1) as other:
            assert other.submit(module_engine.query, "SELECT toUInt8(7)").result(PATIENCE) == b"\x07"
    assert module_engine.query("SELECT toUInt8(7)") == b"\x07"
