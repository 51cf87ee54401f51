"""Canonical records of one version in the form of another: the same columns in another order."""

from __future__ import annotations

from server.notary.canonical import CANONICAL_VERSION, canonical_columns, has_version, mark_of, split_record
from server.notary.origin import Stream

__all__ = ["added_columns", "in_newest_version", "in_version"]

_EMPTY = b"\0"  # a string or word


def added_columns(stream: Stream, version: int) -> tuple[str, ...]:
    """Return the columns that new records have and records of a version lack."""
    known = {column.name for column in canonical_columns(stream, version)}
    return tuple(column.name for column in canonical_columns(stream) if column.name not in known)


def in_newest_version(stream: Stream, record: bytes) -> bytes:
    """Convert a canonical record of any version to the newest version; columns that its version lacks are empty.

    Raises:
        MalformedError: the bytes are not a canonical record of the stream.
    """
    if has_version(record, CANONICAL_VERSION):
        return record
    encoded = split_record(stream, record)
    return mark_of(CANONICAL_VERSION) + b"".join(
        encoded.get(column.name, _EMPTY) for column in canonical_columns(stream)
    )


def in_version(stream: Stream, record: bytes, version: int) -> tuple[bytes, bool]:
    """Return a canonical record, read in the form of new records, in the form of a version.

    Returns:
        The record; and whether it can be one of this version: a column that the version does not have is empty, and the
        record does not begin like one of another version.

    Raises:
        MalformedError: the bytes are not a canonical record of the stream, or the version is unknown.
    """
    if version == CANONICAL_VERSION:
        return record, True
    encoded = split_record(stream, record)
    form = mark_of(version) + b"".join(encoded[column.name] for column in canonical_columns(stream, version))
    empty = all(encoded[name] == _EMPTY for name in added_columns(stream, version))
    return form, empty and has_version(form, version)
