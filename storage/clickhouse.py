"""The two engines, embedded chDB and a ClickHouse server, both through clickhouse-connect."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, BinaryIO, cast

from clickhouse_connect.driver.client import Client

from server.notary.origin import Stream
from storage.client_errors import Access, translated
from storage.clients import Connected, open_client, open_first
from storage.data_check import check_database, check_directory, check_tables
from storage.engine import Engine, EngineInfo, Pieces
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.interrupt import Interrupt
from storage.missing_files import OpenFiles
from storage.read_settings import with_settings
from storage.roles import Role
from storage.rowbinary import parse_answer, varint
from storage.schema import MERGED_INDEXES, RECORD_TABLES
from storage.url import EmbeddedUrl, ServerUrl, StorageUrl

__all__ = ["connect", "connect_to_read"]

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

# A view notes the times of traces in a table that is parted by them, up to nine days (0009_spans.sql). The spans
# themselves are in one partition all the same, because a batch has one day. No spans are refused for the view's sake.
_INSERT_SETTINGS_OF: dict[str, dict[str, Any]] = {
    RECORD_TABLES[Stream.SPANS]: {"max_partitions_per_insert_block": 16, "materialized_views_ignore_errors": 1},
}

# These indexes cost more than all the rest of an insert; a part without them is scanned until it is merged.
_LEFT_TO_MERGES = "exclude_materialize_skip_indexes_on_insert"

# ClickHouse ends a query whose connection is closed only if it is known to change nothing.
_ENDED_BY_CUT: dict[str, Any] = {"readonly": 2, "cancel_http_readonly_queries_on_client_close": 1}

# Interrupts of the queries of this thread, and of those that read for it in a copy of its context.
_INTERRUPTS: ContextVar[tuple[Interrupt, ...]] = ContextVar("_INTERRUPTS", default=())
_INTERRUPTS_UNSEEN = 0.1  # seconds for which an interrupt may go unnoticed while no client is idle
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
    return _ClickHouse(Access(url, Role.SERVER), clients, (interrupt,) if interrupt else ())


def connect_to_read(url: StorageUrl, *, clients: int = 4) -> Engine:
    """Open a storage that exists, as a user who may have no right but SELECT; nothing is created or changed.

    Args:
        url: the storage.
        clients: how many statements run at the same time; others wait.

    Raises:
        NoDataError: there is no Lognotary data.
        StorageConfigError, StorageBusyError, NotAppliedError: as ``connect``.
        AccessDeniedError: this user may not read a table.
        SettingRefusedError: this user may not send settings, and does not have those that answers need.
    """
    if isinstance(url, EmbeddedUrl):
        check_directory(url)
    engine = _ClickHouse(Access(url, Role.AUDITOR), clients, ())
    try:
        check_tables(engine, url)
    except BaseException:
        engine.close()
        raise
    return engine


class _ClickHouse:
    def __init__(self, access: Access, clients: int, interrupts: tuple[Interrupt, ...]) -> None:
        url = access.url
        self._access = access
        self._clients = clients
        self._interrupts = interrupts
        self._idle: queue.LifoQueue[Connected | None] = queue.LifoQueue()  # None: it is closed
        opened = open_first(access)
        first, self._pinned = opened.connected, opened.pinned
        try:
            check_database(first.client, access)
            version = str(first.client.server_version).split(".")
        finally:
            first.close()
        for _ in range(self._clients):
            with translated(access):
                self._idle.put(open_client(url, url.database, opened.pinned))
        self._info = EngineInfo(str(url), (int(version[0]), int(version[1])), isinstance(url, EmbeddedUrl))
        self._files = OpenFiles(url.path) if isinstance(url, EmbeddedUrl) else None
        self._insert_settings = dict(_INSERT_SETTINGS)
        if _LEFT_TO_MERGES in first.client.server_settings:
            self._insert_settings[_LEFT_TO_MERGES] = ", ".join(MERGED_INDEXES)
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
        with self._client() as client, translated(self._access):
            client.command(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        settings = {**self._insert_settings, **_INSERT_SETTINGS_OF.get(table, {}), "insert_deduplication_token": token}
        with self._client() as client, translated(self._access, inserting=True):
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
        with self._client() as client, translated(self._access):
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
        with self._client() as client, translated(self._access):
            stream = client.raw_stream(
                sql, parameters=dict(parameters or {}), settings=self._piecewise_settings, fmt="Native"
            )
            with contextlib.closing(cast(BinaryIO, stream)) as answer:
                while piece := answer.read(_PIECE):
                    yield piece

    @contextlib.contextmanager
    def interrupted_by(self, interrupt: Interrupt, /) -> Iterator[None]:
        before = _INTERRUPTS.get()
        _INTERRUPTS.set((*before, interrupt))
        try:
            yield
        finally:
            _INTERRUPTS.set(before)  # by value: the block may end in another context

    def close(self) -> None:
        for _ in range(self._clients):
            connected = self._idle.get()
            if connected is None:
                break
            connected.close()
        self._idle.put(None)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        interrupts = (*self._interrupts, *_INTERRUPTS.get())
        connected = self._take(interrupts)
        if connected is None:
            self._idle.put(None)
            raise NotAppliedError("storage was closed: the server is shutting down")
        try:
            if self._files is not None:
                self._files.check()
            with contextlib.ExitStack() as stack:
                for interrupt in interrupts:
                    stack.enter_context(interrupt.cutting(connected.cut))
                yield connected.client
        except BaseException:
            if not connected.drain():
                connected.close()
                connected = open_client(self._access.url, self._access.url.database, self._pinned)
            raise
        finally:
            connected.mend()
            self._idle.put(connected)

    def _take(self, interrupts: Sequence[Interrupt]) -> Connected | None:
        while interrupts:
            for interrupt in interrupts:
                interrupt.check()
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=_INTERRUPTS_UNSEEN)
        return self._idle.get()


def _ended_by_cut(client: Client) -> dict[str, Any]:
    """Return the settings of queries that this user may change: those who may not are read-only already."""
    known = client.server_settings
    return {name: value for name, value in _ENDED_BY_CUT.items() if name in known and not known[name].readonly}
