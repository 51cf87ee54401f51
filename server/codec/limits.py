"""What no codec takes, and the words for it."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from enum import Enum

from server.errors.ingest import MalformedRequestError

__all__ = [
    "MAX_MEMBERS",
    "MAX_RECORDS",
    "MAX_REPEATED",
    "ROW_LIMITS",
    "MalformedReason",
    "RowLimits",
    "check_members",
    "malformed",
    "too_many_members",
    "too_many_records",
]

# A row repeats its resource and scope: a small request can mean very many bytes.
MAX_RECORDS = 1_000_000
"""Records of one request: ClickHouse would cut a larger block, and a batch is one block."""

MAX_REPEATED = 256 << 20
"""Bytes of text that a request's records repeat of their resources and scopes."""

MAX_MEMBERS = 1 << 16
"""Members of one list of attributes: in memory each takes many times the bytes it is sent with."""


@dataclass(frozen=True, slots=True)
class RowLimits:
    """What the rows of one request may be.

    Attributes:
        records: how many.
        repeated: bytes of text that they repeat of their resources and scopes.
    """

    records: int = MAX_RECORDS
    repeated: int = MAX_REPEATED


ROW_LIMITS = RowLimits()
"""Those of a server that has memory enough."""


class MalformedReason(Enum):
    """What is wrong with bytes that are no request."""

    BROKEN = "this is no protobuf, or not all of it"
    NOT_UTF8 = "a text is not UTF-8"
    TOO_DEEP = "values are nested more than 100 messages deep"


def malformed(request: bytes, wrong: MalformedReason) -> MalformedRequestError:
    """Return the error for bytes that are no ``ExportLogsServiceRequest``."""
    return MalformedRequestError(f"not an OTLP logs request ({len(request)} bytes): {wrong.value}")


def too_many_records(limits: RowLimits) -> MalformedRequestError:
    """Return the error for a request that would become too many rows, or too large ones."""
    return MalformedRequestError(
        f"the request has more than {limits.records} records, or they repeat more than {limits.repeated} bytes of "
        "resources and scopes: send smaller requests"
    )


def check_members(members: Sized) -> int:
    """Return the length of a list of attributes.

    Raises:
        MalformedRequestError: it is too long.
    """
    if len(members) > MAX_MEMBERS:
        raise too_many_members()
    return len(members)


def too_many_members() -> MalformedRequestError:
    """Return the error for a list of attributes that is too long."""
    return MalformedRequestError(f"the request has more than {MAX_MEMBERS} attributes in one list")
