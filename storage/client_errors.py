"""Errors of the ClickHouse client, translated: what is wrong, what to do, and whether anything may be stored."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError, StreamFailureError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from storage.errors import (
    AccessDeniedError,
    LimitExceededError,
    LoginRefusedError,
    MissingFilesError,
    NotAppliedError,
    OutcomeUnknownError,
    SettingRefusedError,
    StorageError,
    StorageFullError,
    TimedOutError,
)
from storage.roles import Role, quoted
from storage.url import ServerUrl, StorageUrl

__all__ = ["Access", "translated"]

# Errors of inserts that come before anything is stored (ClickHouse, src/Common/ErrorCodes.cpp). After any other it is
# open: a time limit, a lost session, or a materialized view that fails when the rows are in the table already.
_NOTHING_STORED = frozenset(
    {
        *(16, 20, 33, 47, 53, 60, 81, 115, 117),  # the data does not fit the table, or the table does not exist
        *(164, 192, 242, 497, 516),  # it may not be written, or not by this user
        *(202, 241, 243, 252, 745),  # too much at a time, of memory, of space, of parts
        *(469,),  # a constraint forbids it
    }
)

_NO_COLUMN = frozenset({16, 47})  # NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER

# Limits of a user's settings, by the errors of statements that reach them.
_LIMITS = {
    158: "max_rows_to_read, max_rows_to_group_by or max_rows_to_sort",
    159: "max_execution_time or max_execution_time_leaf",
    160: "max_execution_time or max_estimated_execution_time",
    161: "max_columns_to_read",
    191: "max_rows_in_set, max_rows_in_distinct or max_rows_in_join",
    241: "max_memory_usage",
    307: "max_bytes_to_read, max_bytes_to_group_by or max_bytes_to_sort",
    396: "max_result_rows, max_result_bytes or max_rows_to_sort",
    565: "max_partitions_to_read",
}

_READONLY = 164
_SETTING_CONSTRAINT_VIOLATION = 452
_NOT_ENOUGH_SPACE = 243
_ACCESS_DENIED = 497
# UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, IP_ADDRESS_NOT_ALLOWED, AUTHENTICATION_FAILED
_LOGIN = frozenset({192, 193, 194, 195, 516})

_GRANT = re.compile(
    r"necessary to have (?:the )?grants? (?P<right>[A-Z][A-Z ,]*[A-Z])(?:\([^)]*\))?(?: for at least one column)? "
    r"on (?P<object>[^\s,]+?)(?: with grant option)?[.,]?(?:\s|$)",
    re.IGNORECASE,
)
# What the driver adds to ClickHouse's own words.
_AROUND = re.compile(
    r"^Received ClickHouse exception, code: \d+, server response: |(?: \(version [^()]*(?:\([^()]*\))?\))?"
    r"(?: \(for url [^ ]*\))?$"
)
# The query, which says nothing about the cause, and names that are alike.
_QUERY = re.compile(
    r" in scope .*?(?=\. \([A-Z_]+\)|\. Maybe you meant|$)| Maybe you meant.*?\?(?=\.? \([A-Z_]+\)|\.?$)"
)
_LONGEST = 500
_SETTINGS = (
    "this user of ClickHouse may not send a setting that answers need to rest on all rows. Let it change settings: "
    "ALTER USER … SETTINGS readonly = 2 (or 0 for a server) and no constraint on the setting."
)
_TIMEOUT = re.compile(r"timeout=([0-9.]+)\)")  # in messages of urllib3


@dataclass(frozen=True, slots=True)
class Access:
    """A storage, and what this process does with it.

    Attributes:
        url: the storage.
        role: SERVER to write, AUDITOR to read only.
    """

    url: StorageUrl
    role: Role = Role.SERVER


@contextlib.contextmanager
def translated(access: Access, *, inserting: bool = False) -> Iterator[None]:
    """Translate errors of the client that the block raises.

    Args:
        access: the storage that the block uses.
        inserting: the block inserts, so that most errors leave open whether something was stored.

    Raises:
        NotAppliedError, OutcomeUnknownError, StorageError: see ``storage.errors``.
    """
    try:
        yield
    except OperationalError as error:
        if (slow := _timed_out(error, access)) is not None:
            raise slow from error
        if _never_sent(error):
            raise NotAppliedError(f"storage cannot be reached: {_root_cause(error)}") from error
        if any(isinstance(cause, ProtocolError) for cause in _causes(error)):
            raise _broken_off(_root_cause(error)) from error
        if isinstance(error, StreamFailureError) and error.code in _LIMITS:  # after some rows
            raise _of_clickhouse(error, access, inserting=inserting) from error
        raise OutcomeUnknownError(f"storage did not answer: {_root_cause(error)}") from error
    except DatabaseError as error:
        raise _of_clickhouse(error, access, inserting=inserting) from error
    except ClickHouseError as error:
        raise StorageError(str(error), public="storage cannot be used: the server's log says why") from error
    except ProtocolError as error:
        raise _broken_off(str(error)) from error
    except HTTPError as error:
        raise _timed_out(error, access) or OutcomeUnknownError(f"storage did not answer: {error}") from error


def _broken_off(cause: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        "storage broke off its answer: a limit of time stopped the query (max_execution_time, "
        f"max_execution_time_leaf), or ClickHouse ended ({cause})"
    )


def _of_clickhouse(error: DatabaseError, access: Access, *, inserting: bool) -> StorageError:
    line = str(error).strip().partition("\n")[0]
    message = _presentable(_QUERY.sub("", _AROUND.sub("", line)))[:_LONGEST]
    code = error.code or 0
    refused = f"storage answered with error {code}: the server's log has its words"
    if code == _SETTING_CONSTRAINT_VIOLATION or (code == _READONLY and "Cannot modify" in message):
        return SettingRefusedError(f"{_SETTINGS} ClickHouse says: {message}", public=_SETTINGS)
    if permanent := _permanent(code, line, message, access):
        return permanent
    if code == _NOT_ENOUGH_SPACE or "No space left on device" in line:
        certain = code == _NOT_ENOUGH_SPACE or not inserting
        full = f"{_disk(access.url)} is full: free space on it. ClickHouse says: {message}"
        kind = StorageFullError if certain else OutcomeUnknownError
        return kind(full, public="the disk of storage is full: free space on it")
    if not inserting and "No such file or directory" in line:
        gone = "files of the storage are missing: restore them from a backup, or look for what deleted them"
        return MissingFilesError(f"{gone}. ClickHouse says: {message}", public=gone)
    if code in _LIMITS and not inserting:
        limit = (
            "a limit of this user of ClickHouse stopped the query, whose answer has to rest on all rows: raise "
            f"{_LIMITS[code]} in its settings"
        )
        return LimitExceededError(f"{limit}. ClickHouse says: {message}", public=limit, settings=_LIMITS[code])
    if code in _NO_COLUMN and not inserting:
        unknown = (
            "a column is missing: a table is as an earlier version of Lognotary left it, or was altered, as 'lognotary "
            "verify' tells. A server of this version brings the tables up to date when it starts"
        )
        return NotAppliedError(f"{unknown}. ClickHouse says: {message}", public=refused)
    if code in _NOTHING_STORED or (code and not inserting):
        return NotAppliedError(message, public=refused)
    return OutcomeUnknownError(message, public=refused)  # also without a code: that is not ClickHouse's word


def _permanent(code: int, line: str, message: str, access: Access) -> StorageError | None:
    """Return the error for what lasts until an operator changes user, password or rights; None for another error."""
    url = access.url
    if not isinstance(url, ServerUrl):  # which has one user, and some tables that nobody may read
        return AccessDeniedError(message, public="storage denies access") if code == _ACCESS_DENIED else None
    user = quoted(url.username)
    if code in _LOGIN:
        scheme = "https" if url.secure else "http"
        return LoginRefusedError(
            f"ClickHouse at {url.address} refuses the login of the user {url.username!r}: the password is wrong, or "
            "there is no such user. Correct the storage URL: "
            f"{scheme}://USER:PASSWORD@{url.address}/{url.database} (with special characters percent-encoded)"
        )
    if code == _READONLY and access.role is Role.SERVER:
        return AccessDeniedError(
            f"the user {url.username!r} of ClickHouse may only read, and a server writes: let an administrator run "
            f"ALTER USER {user} SETTINGS readonly = 0, or give another user in the storage URL"
        )
    if code == _ACCESS_DENIED:
        needed = _GRANT.search(line)
        what = f"GRANT {_right(needed['right'], access.role)} ON {needed['object']} TO {user}" if needed else message
        return AccessDeniedError(
            f"the user {url.username!r} of ClickHouse lacks a right: let an administrator run {what} (lognotary grants "
            f"--role {access.role.value} --user {url.username} --database {url.database} prints all rights that are "
            "needed)"
        )
    return None


def _right(right: str, role: Role) -> str:
    """Return a right of the role's that includes a right."""
    if role is Role.SERVER and right == "SHOW DATABASES":
        return "CREATE DATABASE"
    return "SELECT" if right.startswith("SHOW ") else right


def _disk(url: StorageUrl) -> str:
    return f"the disk of ClickHouse at {url.address}" if isinstance(url, ServerUrl) else f"the disk of {url.path}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, down to the root."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        if isinstance(cause, MaxRetryError) and cause.reason is not None:
            cause = cause.reason
        else:
            cause = cause.__cause__ or cause.__context__


def _never_sent(error: BaseException) -> bool:
    return any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def _timed_out(error: BaseException, access: Access) -> NotAppliedError | TimedOutError | None:
    """Return the error for a limit of time that was reached; None for another error."""
    where = f" at {access.url.address}" if isinstance(access.url, ServerUrl) else ""
    for cause in _causes(error):
        seconds = _TIMEOUT.search(str(cause))
        within = f" within {float(seconds[1]):.0f} s" if seconds else " in time"
        if isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError):
            return NotAppliedError(
                f"storage{where} cannot be reached{within}: the machine is down, or a firewall drops what is sent to it"
            )
        if isinstance(cause, ReadTimeoutError):
            return TimedOutError(
                f"storage{where} accepted the connection, but did not answer{within}: ClickHouse hangs or is overloaded"
            )
    return None


def _root_cause(error: BaseException) -> str:
    *_, root = _causes(error)
    return str(root) or type(root).__name__


def _presentable(message: str) -> str:
    """Make a message safe to log: an answer may be any bytes, and may contain data from senders."""
    message = message.partition(" Column values: ")[0]  # of the row that violates a constraint
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in message)
