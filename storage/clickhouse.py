"""The two engines, embedded chDB and a ClickHouse server, both through clickhouse-connect."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from storage.cuttable import CuttableConnections
from storage.engine import Engine, EngineInfo, Pieces
from storage.errors import (
    NotAppliedError,
    OutcomeUnknownError,
    StorageBusyError,
    StorageConfigError,
    StorageError,
)
from storage.interrupt import Interrupt
from storage.rowbinary import varint, without_names
from storage.url import EmbeddedUrl, ServerUrl, StorageUrl

__all__ = ["connect"]

# Sent with every insert, because server defaults differ between versions (26.2 turned async_insert
# and deduplication on). One block is never split or squashed: a batch is one part of one partition.
_INSERT_SETTINGS: dict[str, Any] = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "max_partitions_per_insert_block": 1,
    "throw_on_max_partitions_per_insert_block": 1,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
}

# Errors of inserts that come before anything is stored (ClickHouse, src/Common/ErrorCodes.cpp). After any other it is
# open: a time limit, a lost session, or a materialized view that fails when the rows are in the table already.
_NOTHING_STORED = frozenset(
    {
        *(16, 20, 33, 47, 53, 60, 81, 117),  # the data does not fit the table, or the table does not exist
        *(164, 192, 242, 497, 516),  # it may not be written, or not by this user
        *(202, 241, 243, 252, 745),  # too much at a time, of memory, of space, of parts
        *(469,),  # a constraint forbids it
    }
)

# ClickHouse ends a query whose connection is closed only if it is known to change nothing.
_ENDED_BY_CUT: dict[str, Any] = {"readonly": 2, "cancel_http_readonly_queries_on_client_close": 1}

_INTERRUPTS_UNSEEN = 0.1  # seconds for which an interrupt may go unnoticed while no client is idle
_CONNECT_TIMEOUT = 5  # seconds
_ANSWER_TIMEOUT = 60  # seconds
_PIECE = 256 << 10  # bytes that are sent, or taken, at a time


def connect(url: StorageUrl, *, clients: int = 4, interrupt: Interrupt | None = None) -> Engine:
    """Open a storage, creating its database if it does not exist.

    Args:
        url: the storage.
        clients: how many statements run at the same time; others wait.
        interrupt: interrupt of all statements, for engines that only read.

    Raises:
        StorageConfigError: the embedded directory cannot be created.
        StorageBusyError: the embedded directory is used by another process.
        NotAppliedError: the server cannot be reached, or refuses the connection.
    """
    return _ClickHouse(url, clients, (interrupt,) if interrupt else ())


@dataclass(frozen=True, slots=True)
class _Connected:
    """A client, and its connections if it has any."""

    client: Client
    connections: CuttableConnections | None = None

    def cut(self) -> None:
        if self.connections is not None:
            self.connections.cut()

    def mend(self) -> None:
        if self.connections is not None:
            self.connections.mend()

    def close(self) -> None:
        self.client.close()
        if self.connections is not None:
            self.connections.close()


class _ClickHouse:
    def __init__(self, url: StorageUrl, clients: int, interrupts: tuple[Interrupt, ...] = ()) -> None:
        self._url = url
        self._clients = clients
        self._interrupts = interrupts
        self._thread = _ThreadInterrupts()
        self._idle: queue.LifoQueue[_Connected | None] = queue.LifoQueue()  # None: it is closed
        first = _open(url, database=None)
        try:
            with _translated():
                first.client.command(f"CREATE DATABASE IF NOT EXISTS {url.database}")
                version = str(first.client.server_version).split(".")
        finally:
            first.close()
        for _ in range(self._clients):
            self._idle.put(_open(url, database=url.database))
        self._info = EngineInfo(str(url), (int(version[0]), int(version[1])), isinstance(url, EmbeddedUrl))
        self._insert_settings = dict(_INSERT_SETTINGS)
        if isinstance(url, ServerUrl):
            self._insert_settings["wait_end_of_query"] = 1
        # The embedded engine would send everything at once if a query had settings.
        self._query_settings = _ended_by_cut(first.client) if isinstance(url, ServerUrl) else None
        self._piecewise_settings = (
            None if self._query_settings is None else {"wait_end_of_query": 0, **self._query_settings}
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def execute(self, statement: str, /) -> None:
        with self._client() as client, _translated():
            client.command(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        settings = {**self._insert_settings, "insert_deduplication_token": token}
        with self._client() as client, _translated(inserting=True):
            # From a generator: bytes would be copied behind the INSERT statement, and after a broken
            # connection the driver would send them again by itself and report only what came of that.
            # In pieces: HTTP copies each into a chunk of its own.
            pieces = (block[at : at + _PIECE] for at in range(0, len(block), _PIECE))
            summary = client.raw_insert(table, columns, pieces, settings=settings, fmt="Native")
        _, at = varint(block, 0)
        rows, _ = varint(block, at)
        if summary.written_rows < rows:
            # Said to have succeeded, and yet: an error that comes after the status has no other place.
            raise OutcomeUnknownError(f"storage reports {summary.written_rows} written rows, but {rows} were inserted")

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /) -> bytes:
        with self._client() as client, _translated():
            answer = client.raw_query(
                select, parameters=dict(parameters or {}), settings=self._query_settings, fmt="RowBinaryWithNames"
            )
            return without_names(answer)

    def query_in_pieces(self, select: str, parameters: Mapping[str, Any] | None = None, /) -> Pieces:
        with self._client() as client, _translated():
            stream = client.raw_stream(
                select, parameters=dict(parameters or {}), settings=self._piecewise_settings, fmt="RowBinary"
            )
            with contextlib.closing(cast(BinaryIO, stream)) as answer:
                while piece := answer.read(_PIECE):
                    yield piece

    @contextlib.contextmanager
    def interrupted_by(self, interrupt: Interrupt, /) -> Iterator[None]:
        before, self._thread.interrupts = self._thread.interrupts, (*self._thread.interrupts, interrupt)
        try:
            yield
        finally:
            self._thread.interrupts = before

    def close(self) -> None:
        for _ in range(self._clients):
            connected = self._idle.get()
            if connected is None:
                break
            connected.close()
        self._idle.put(None)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        interrupts = (*self._interrupts, *self._thread.interrupts)
        connected = self._take(interrupts)
        try:
            if connected is None:
                raise NotAppliedError("storage was closed: the server is shutting down")
            with contextlib.ExitStack() as stack:
                for interrupt in interrupts:
                    stack.enter_context(interrupt.cutting(connected.cut))
                yield connected.client
        finally:
            if connected is not None:
                connected.mend()
            self._idle.put(connected)

    def _take(self, interrupts: Sequence[Interrupt]) -> _Connected | None:
        while interrupts:
            for interrupt in interrupts:
                interrupt.check()
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=_INTERRUPTS_UNSEEN)
        return self._idle.get()


class _ThreadInterrupts(threading.local):
    interrupts: tuple[Interrupt, ...] = ()


def _open(url: StorageUrl, database: str | None) -> _Connected:
    if isinstance(url, EmbeddedUrl):
        try:
            url.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageConfigError(f"{url} cannot be used: {error}") from error
        try:
            return _Connected(clickhouse_connect.get_client(interface="chdb", path=str(url.path), database=database))
        except ClickHouseError as error:
            raise StorageBusyError(
                f"{url} cannot be opened. Only one process can open embedded storage: if a server is running on "
                f"it, query the server, or stop it first. ({error})"
            ) from error
    connections = CuttableConnections(url.host, url.port, secure=url.secure)
    with _translated():
        client = clickhouse_connect.get_client(
            host=url.host,
            port=url.port,
            secure=url.secure,
            username=url.username,
            password=url.password,
            database=database,
            autogenerate_session_id=False,
            compress=False,
            connect_timeout=_CONNECT_TIMEOUT,
            send_receive_timeout=_ANSWER_TIMEOUT,
            # Small answers are sent only when they are complete, so that no error follows half of one. Not with
            # wait_end_of_query, which keeps answers on disk: if the disk is full, an answer is empty with status OK.
            settings={"buffer_size": 1 << 20},
            pool_mgr=connections.pool,
        )
    return _Connected(client, connections)


def _ended_by_cut(client: Client) -> dict[str, Any]:
    """Return the settings of queries that this user may change: those who may not are read-only already."""
    known = client.server_settings
    return {name: value for name, value in _ENDED_BY_CUT.items() if name in known and not known[name].readonly}


@contextlib.contextmanager
def _translated(*, inserting: bool = False) -> Iterator[None]:
    """Translate errors of the client into errors that say whether something may have been stored."""
    try:
        yield
    except OperationalError as error:
        if _never_sent(error):
            raise NotAppliedError(f"storage cannot be reached: {_root_cause(error)}") from error
        raise OutcomeUnknownError(f"storage did not answer: {_root_cause(error)}") from error
    except DatabaseError as error:
        message = _presentable(str(error).strip().partition("\n")[0][:500])
        if error.code in _NOTHING_STORED or (error.code and not inserting):
            raise NotAppliedError(message) from error
        raise OutcomeUnknownError(message) from error  # also without a code: that is not ClickHouse's word
    except ClickHouseError as error:
        raise StorageError(str(error)) from error
    except HTTPError as error:
        raise OutcomeUnknownError(f"storage did not answer: {error}") from error


def _never_sent(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NewConnectionError):
            return True
        if isinstance(cause, MaxRetryError) and cause.reason is not None:
            cause = cause.reason
        else:
            cause = cause.__cause__ or cause.__context__
    return False


def _root_cause(error: BaseException) -> str:
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return str(cause) or type(cause).__name__


def _presentable(message: str) -> str:
    """Make a message safe to log: an answer may be any bytes, and may contain data from senders."""
    message = message.partition(" Column values: ")[0]  # of the row that violates a constraint
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in message)
