"""Limits of a request that all codecs enforce, and the errors for requests beyond them."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from enum import Enum

from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError, OversizedError

__all__ = [
    "MAX_DISCLOSED",
    "MAX_MEMBERS",
    "MAX_RECORDS",
    "MAX_REPEATED",
    "ROW_LIMITS",
    "MalformedReason",
    "RowLimits",
    "check_members",
    "malformed",
    "too_many_disclosed",
    "too_many_members",
    "too_many_records",
]

# Every row repeats its resource and scope, so a small request can expand to very many bytes.
MAX_RECORDS = 1_000_000
"""Maximum number of records in one request: a batch is one block, and ClickHouse would split a larger one."""

MAX_REPEATED = 256 << 20
"""Maximum bytes of resource and scope text that the records of one request repeat."""

MAX_DISCLOSED = 100_000
"""Maximum number of values in one request that are replaced by commitments: each is kept apart, with a salt."""

MAX_MEMBERS = 1 << 16
"""Maximum number of attributes, events or links in one list: in memory, each takes many times its encoded size."""


@dataclass(frozen=True, slots=True)
class RowLimits:
    """Limits on the rows of one request.

    Attributes:
        records: maximum number of records.
        repeated: maximum bytes of resource and scope text that the records repeat.
        disclosed: maximum number of values that are replaced by commitments.
    """

    records: int = MAX_RECORDS
    repeated: int = MAX_REPEATED
    disclosed: int = MAX_DISCLOSED


ROW_LIMITS = RowLimits()
"""Limits of a server with enough memory."""


class MalformedReason(Enum):
    """Reason why bytes are not an OTLP request."""

    BROKEN = "invalid or truncated protobuf"
    NOT_UTF8 = "a string is not UTF-8"
    # A map takes three of the 100 nested messages that protobuf permits, a list two; the records themselves take seven.
    TOO_DEEP = "a value is nested too deep: there may be 31 levels of maps, or 46 levels of lists"


def malformed(request: bytes, wrong: MalformedReason, signal: Signal = Signal.LOGS) -> MalformedRequestError:
    """Return the error for bytes that are not a request of a signal."""
    return MalformedRequestError(f"not an OTLP {signal.value} request ({len(request)} bytes): {wrong.value}")


def too_many_records(limits: RowLimits, signal: Signal = Signal.LOGS) -> MalformedRequestError:
    """Return the error for a request whose rows would be too many or too large."""
    records = "records" if signal is Signal.LOGS else "spans"
    return MalformedRequestError(
        f"the request has more than {limits.records} {records}, or they repeat more than {limits.repeated} bytes of "
        "resources and scopes: send smaller requests"
    )


def too_many_disclosed(limits: RowLimits) -> OversizedError:
    """Return the error for a request with too many values that would be replaced by commitments."""
    return OversizedError(
        f"the request has more than {limits.disclosed} secrets that are to be disclosed: send smaller requests"
    )


def check_members(members: Sized) -> int:
    """Return the length of a list of attributes, events or links.

    Raises:
        MalformedRequestError: the list is too long.
    """
    if len(members) > MAX_MEMBERS:
        raise too_many_members()
    return len(members)


def too_many_members() -> MalformedRequestError:
    """Return the error for a list of attributes, events or links that is too long."""
    return MalformedRequestError(f"the request has more than {MAX_MEMBERS} attributes, events or links in one list")
