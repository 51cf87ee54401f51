"""Errors of the ClickHouse client, translated into errors that say whether something may have been stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError

from storage.errors import (
    LimitExceededError,
    NotAppliedError,
    OutcomeUnknownError,
    SettingRefusedError,
    StorageError,
)

__all__ = ["translated"]

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


@contextlib.contextmanager
def translated(*, inserting: bool = False) -> Iterator[None]:
    """Translate errors of the client that the block raises.

    Args:
        inserting: the block inserts, so that most errors leave open whether something was stored.

    Raises:
        NotAppliedError, OutcomeUnknownError, StorageError: see ``storage.errors``.
    """
    try:
        yield
    except OperationalError as error:
        if _never_sent(error):
            raise NotAppliedError(f"storage cannot be reached: {_root_cause(error)}") from error
        raise OutcomeUnknownError(f"storage did not answer: {_root_cause(error)}") from error
    except DatabaseError as error:
        message = _presentable(str(error).strip().partition("\n")[0][:500])
        if error.code == _SETTING_CONSTRAINT_VIOLATION or (error.code == _READONLY and "Cannot modify" in message):
            raise SettingRefusedError(
                "this user of ClickHouse may not send a setting that answers need to rest on all rows. Let it change "
                "settings: ALTER USER … SETTINGS readonly = 2 (or 0 for a server) and no constraint on the setting. "
                f"ClickHouse says: {message}"
            ) from error
        if error.code in _LIMITS and not inserting:
            raise LimitExceededError(
                "a limit of this user of ClickHouse stopped the query, whose answer has to rest on all rows: raise "
                f"{_LIMITS[error.code]} in its settings. ClickHouse says: {message}"
            ) from error
        if error.code in _NOTHING_STORED or (error.code and not inserting):
            raise NotAppliedError(message) from error
        raise OutcomeUnknownError(message) from error  # also without a code: that is not ClickHouse's word
    except ClickHouseError as error:
        raise StorageError(str(error)) from error
    except ProtocolError as error:
        raise OutcomeUnknownError(
            "storage broke off its answer: a limit of time stopped the query (max_execution_time, "
            f"max_execution_time_leaf), or ClickHouse ended ({error})"
        ) from error
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
