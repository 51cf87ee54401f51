"""The two engines, embedded chDB and a ClickHouse server, both through clickhouse-connect."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from storage.client_errors import translated
from storage.cuttable import CuttableConnections
from storage.engine import Engine, EngineInfo, Pieces
from storage.errors import (
    NotAppliedError,
    OutcomeUnknownError,
    StorageBusyError,
    StorageConfigError,
)
from storage.interrupt import Interrupt
from storage.read_settings import PINNED, settings_clause, settings_parameters, with_settings, without_unknown
from storage.rowbinary import parse_answer, varint
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

_UNKNOWN_SETTING = 115

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
        SettingRefusedError: this user may not send the settings that every statement needs.
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
        first, pinned = _first(url)
        try:
            with translated():
                exists = first.client.command(f"EXISTS DATABASE {url.database}")
                if exists != 1:  # users who may only read create nothing
                    first.client.command(f"CREATE DATABASE IF NOT EXISTS {url.database}")
                version = str(first.client.server_version).split(".")
        finally:
            first.close()
        for _ in range(self._clients):
            with translated():
                self._idle.put(_open(url, url.database, pinned))
        self._info = EngineInfo(str(url), (int(version[0]), int(version[1])), isinstance(url, EmbeddedUrl))
        self._insert_settings = dict(_INSERT_SETTINGS)
        if isinstance(url, ServerUrl):
            self._insert_settings["wait_end_of_query"] = 1
        # The embedded engine would send everything at once if the driver were given settings: a query's own settings
        # are in its text.
        self._query_settings = _ended_by_cut(first.client) if isinstance(url, ServerUrl) else None
        self._piecewise_settings = (
            None if self._query_settings is None else {"wait_end_of_query": 0, **self._query_settings}
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def execute(self, statement: str, /) -> None:
        with self._client() as client, translated():
            client.command(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        settings = {**self._insert_settings, "insert_deduplication_token": token}
        with self._client() as client, translated(inserting=True):
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

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        sql = with_settings(select, settings)
        with self._client() as client, translated():
            answer = client.raw_query(
                sql,
                parameters=dict(parameters or {}),
                settings=self._query_settings,
                fmt="RowBinaryWithNamesAndTypes",
            )
            return parse_answer(answer)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        sql = with_settings(select, settings)
        with self._client() as client, translated():
            stream = client.raw_stream(
                sql, parameters=dict(parameters or {}), settings=self._piecewise_settings, fmt="RowBinary"
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


def _first(url: StorageUrl) -> tuple[_Connected, Mapping[str, str | int]]:
    """Return a client without database, and what its version of ClickHouse knows of ``PINNED``."""
    opened: list[_Connected] = []

    def unknown(settings: Mapping[str, str | int]) -> str | None:
        try:
            opened.append(_open(url, None, settings))
        except DatabaseError as error:
            name = _unknown_setting(error, settings)
            if name is None:
                raise
            return name
        return None

    with translated():
        pinned = without_unknown(PINNED, unknown)
    return opened[0], pinned


def _unknown_setting(error: DatabaseError, settings: Mapping[str, str | int]) -> str | None:
    """Return the setting that is unknown to ClickHouse, None if the error is another."""
    if error.code != _UNKNOWN_SETTING:
        return None
    found = [re.search(rf"\b{name}\b", str(error)) for name in settings]
    places = [match for match in found if match is not None]
    return min(places, key=re.Match.start).group() if places else None  # those that follow are ClickHouse's proposals


def _open(url: StorageUrl, database: str | None, pinned: Mapping[str, str | int]) -> _Connected:
    """Open a client that sends settings with everything, from its first request on."""
    if isinstance(url, EmbeddedUrl):
        client = _open_embedded(url, database)
        try:
            client.command(f"SET {settings_clause(pinned)}")  # for its session, and no profile changes that
        except BaseException:
            client.close()
            raise
        return _Connected(client)
    connections = CuttableConnections(url.host, url.port, secure=url.secure, parameters=settings_parameters(pinned))
    try:
        client = clickhouse_connect.get_client(
            host=url.host,
            port=url.port,
            secure=url.secure,
            username=url.username,
            password=url.password,
            database=database,
            pool_mgr=connections.pool,
            autogenerate_session_id=False,
            compress=False,
            connect_timeout=_CONNECT_TIMEOUT,
            send_receive_timeout=_ANSWER_TIMEOUT,
            # Small answers are sent only when they are complete, so that no error follows half of one. Not with
            # wait_end_of_query, which keeps answers on disk: if the disk is full, an answer is empty with status OK.
            settings={"buffer_size": 1 << 20},
        )
    except BaseException:
        connections.close()  # the driver would keep them
        raise
    return _Connected(client, connections)


def _open_embedded(url: EmbeddedUrl, database: str | None) -> Client:
    try:
        url.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageConfigError(f"{url} cannot be used: {error}") from error
    try:
        return clickhouse_connect.get_client(interface="chdb", path=str(url.path), database=database)
    except ClickHouseError as error:
        raise StorageBusyError(
            f"{url} cannot be opened. Only one process can open embedded storage: if a server is running on "
            f"it, query the server, or stop it first. ({error})"
        ) from error


def _ended_by_cut(client: Client) -> dict[str, Any]:
    """Return the settings of queries that this user may change: those who may not are read-only already."""
    known = client.server_settings
    return {name: value for name, value in _ENDED_BY_CUT.items() if name in known and not known[name].readonly}
