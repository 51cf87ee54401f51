"""Clients of clickhouse-connect, for both engines, which send the pinned settings with everything."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from server.errors.files import reason_of
from storage.client_errors import Access, translated
from storage.cuttable import CuttableConnections
from storage.encrypted_disk import NOTHING_IN_CLEAR, engine_options
from storage.endpoint import diagnose, verifying_context
from storage.errors import (
    OutcomeUnknownError,
    SettingRefusedError,
    StorageBusyError,
    StorageConfigError,
    StorageError,
    TimedOutError,
    WrongEndpointError,
)
from storage.read_settings import FULL_SCAN, PINNED, settings_clause, settings_parameters, without_unknown
from storage.roles import Role
from storage.settings_check import check_settings
from storage.url import EmbeddedUrl, ServerUrl, StorageUrl

__all__ = ["Connected", "First", "open_client", "open_first"]

_UNKNOWN_SETTING = 115

# The embedded engine compiles no expressions, so that the process needs no memory that is writable and executable.
_INTERPRETED = {"compile_expressions": 0, "compile_aggregate_expressions": 0, "compile_sort_description": 0}

_CONNECT_TIMEOUT = 5  # seconds
_ANSWER_TIMEOUT = 60  # seconds
_DRAINED = 5  # answers that are discarded, at most, to get rid of what a failed query left
_FIRST_ANSWER_TIMEOUT = 10  # seconds: what is asked first is answered at once, or not at all


@dataclass(frozen=True, slots=True)
class Connected:
    """A client, and its connections if it has any."""

    client: Client
    connections: CuttableConnections | None = None

    def cut(self) -> None:
        """End what a thread waits for; see ``CuttableConnections``."""
        if self.connections is not None:
            self.connections.cut()

    def mend(self) -> None:
        """Undo ``cut``."""
        if self.connections is not None:
            self.connections.mend()

    def drain(self) -> bool:
        """Discard what a failed query left behind; return whether the client can be used again.

        The embedded engine keeps what a query had sent before it failed, and sends it before its next answer.
        """
        if self.connections is not None:
            return True
        for _ in range(_DRAINED):
            with contextlib.suppress(ClickHouseError):
                if self.client.raw_query("SELECT 1", fmt="TabSeparated") == b"1\n":
                    return True
        return False

    def close(self) -> None:
        """Close the client and its connections."""
        self.client.close()
        if self.connections is not None:
            self.connections.close()


@dataclass(frozen=True, slots=True)
class First:
    """The first client of a storage, which uses no database.

    Attributes:
        connected: the client.
        pinned: settings that this version of ClickHouse knows of ``PINNED``.
    """

    connected: Connected
    pinned: Mapping[str, str | int]


def open_first(access: Access) -> First:
    """Open a client, and find out which settings it can send.

    Raises:
        StorageConfigError: the embedded directory cannot be created or opened, or a file of TLS cannot be used.
        StorageBusyError: the embedded directory is used by another process.
        NotAppliedError: the server cannot be reached, or refuses the connection; its subclasses say why.
        TimedOutError: the server does not answer.
        SettingRefusedError: this user may not send the settings that every statement needs.
    """
    if isinstance(access.url, ServerUrl) and access.url.secure:
        verifying_context(access.url)
    # The errors that the driver reports are raised too.
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    try:
        first = _open_first(access)
    except SettingRefusedError:
        _explain_refusal(access)
        raise
    except TimedOutError:
        raise
    except OutcomeUnknownError as error:
        # No answer of ClickHouse's; nothing that changes anything was sent yet.
        if isinstance(access.url, ServerUrl) and (reason := diagnose(access.url)):
            raise WrongEndpointError(reason) from error
        raise
    try:
        _check_full_scan(access, first.connected.client)
    except BaseException:
        first.connected.close()
        raise
    return first


def _open_first(access: Access) -> First:
    opened: list[Connected] = []

    def unknown(settings: Mapping[str, str | int]) -> str | None:
        try:
            opened.append(open_client(access.url, None, settings, _FIRST_ANSWER_TIMEOUT))
        except DatabaseError as error:
            name = _unknown_setting(error, settings)
            if name is None:
                raise
            return name
        return None

    with translated(access):
        pinned = without_unknown(PINNED, unknown)
    return First(opened[0], pinned)


def _explain_refusal(access: Access) -> None:
    """Raise an error that names all settings that differ; return if none does as far as this user's settings show."""
    if access.role is Role.SERVER or not isinstance(access.url, ServerUrl):
        return  # a server's user has to be another one
    try:
        with translated(access):
            connected = open_client(access.url, None, {}, _FIRST_ANSWER_TIMEOUT)
    except StorageError:
        return
    try:
        if _may_change_settings(connected.client):
            return  # but for a constraint, which names its setting
        with translated(access):
            check_settings(connected.client, access.url.username, {**PINNED, **FULL_SCAN}, _unknown_setting)
    except SettingRefusedError:
        raise
    except StorageError:
        return
    finally:
        connected.close()


def _check_full_scan(access: Access, client: Client) -> None:
    """Check the settings that only some queries send, if this user may not change them."""
    if isinstance(access.url, ServerUrl) and not _may_change_settings(client):
        with translated(access):
            check_settings(client, access.url.username, FULL_SCAN, _unknown_setting)


def _may_change_settings(client: Client) -> bool:
    readonly = client.server_settings.get("readonly")
    return readonly is None or str(readonly.value) != "1"


def _unknown_setting(error: DatabaseError, settings: Mapping[str, str | int]) -> str | None:
    """Return the setting that is unknown to ClickHouse, None if the error is another."""
    if error.code != _UNKNOWN_SETTING:
        return None
    found = [re.search(rf"\b{name}\b", str(error)) for name in settings]
    places = [match for match in found if match is not None]
    return min(places, key=re.Match.start).group() if places else None  # those that follow are ClickHouse's proposals


def open_client(
    url: StorageUrl, database: str | None, pinned: Mapping[str, str | int], answer_timeout: float = _ANSWER_TIMEOUT
) -> Connected:
    """Open a client that sends settings with everything, from its first request on.

    Args:
        url: the storage.
        database: the database, None for the user's default.
        pinned: the settings.
        answer_timeout: seconds that a server may take to answer, or to go on with an answer.

    Raises:
        ClickHouseError, HTTPError: see ``translated``.
        StorageConfigError, StorageBusyError: as ``open_first``.
    """
    if isinstance(url, EmbeddedUrl):
        client = _open_embedded(url, database)
        pinned = {**pinned, **NOTHING_IN_CLEAR} if url.key_file else pinned
        try:
            # For its session, and no profile changes that.
            client.command(f"SET {settings_clause({**pinned, **_INTERPRETED})}")
        except BaseException:
            client.close()
            raise
        return Connected(client)
    connections = CuttableConnections(url, settings_parameters(pinned))
    try:
        client = clickhouse_connect.get_client(
            host=url.host,
            port=url.port,
            secure=url.secure,
            username=url.username,
            password=url.password,
            database=database,
            pool_mgr=connections.pool,
            # The driver only needs to know that the certificate proves who the user is: the connections have it.
            client_cert=url.client_cert if url.client_cert and not url.password else None,
            autogenerate_session_id=False,
            compress=False,
            connect_timeout=_CONNECT_TIMEOUT,
            send_receive_timeout=answer_timeout,
            # Small answers are sent only when they are complete, so that no error follows half of one. Not with
            # wait_end_of_query, which keeps answers on disk: if the disk is full, an answer is empty with status OK.
            settings={"buffer_size": 1 << 20},
        )
    except BaseException:
        connections.close()  # the driver would keep them
        raise
    return Connected(client, connections)


def _open_embedded(url: EmbeddedUrl, database: str | None) -> Client:
    _load_embedded()
    try:
        url.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds data of senders
    except OSError as error:
        raise StorageConfigError(f"{url} cannot be used: {reason_of(error)}; let this user write there") from error
    _check_not_locked(url)
    try:
        with engine_options(url) as chosen:
            return clickhouse_connect.get_client(
                interface="chdb", path=str(url.path), database=database, chdb_options=chosen
            )
    except ClickHouseError as error:
        _check_not_locked(url)  # another process may have been faster
        reason = str(error).partition("\n")[0]
        raise StorageConfigError(
            f"{url} cannot be opened: is the directory writable, not full, and of no newer ClickHouse? ({reason})"
        ) from error


def _load_embedded() -> None:
    """Import the embedded engine, which is an optional dependency.

    Raises:
        StorageConfigError: the engine is not installed, or cannot be loaded.
    """
    try:
        import_module("chdb")
    except ModuleNotFoundError as error:
        raise StorageConfigError(
            "embedded storage is not installed: pip install 'lognotary[embedded]', or give "
            "--storage http://user:password@host:8123/database"
        ) from error
    except ImportError as error:
        raise StorageConfigError(
            f"embedded storage cannot be loaded ({error}): install it again, or give "
            "--storage http://user:password@host:8123/database"
        ) from error


def _check_not_locked(url: EmbeddedUrl) -> None:
    """Check that no other process has the directory open; the engine would print a message of its own.

    Raises:
        StorageBusyError: another process has the directory open.
    """
    with contextlib.suppress(FileNotFoundError, PermissionError), (url.path / "status").open("rb") as status:
        try:
            fcntl.flock(status, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found = re.search(rb"PID: (\d+)", status.read(4096))
            holder = int(found[1]) if found else 0
            if holder == os.getpid():
                return
            who = f"the process {holder}" if holder else "another process"
            raise StorageBusyError(
                f"{url} is in use by {who}. Only one process can open embedded storage: if a server is running on it, "
                "query the server (--api instead of --storage), or stop it first"
            ) from None
