"""The canonical JSON of a log record that producers sign, and its hash.

The ``signingprocessor`` of the Collector's contrib distribution signs the RFC 8785 form of a JSON object with these
members, each left out if the record does not have it:

======================  ====================================================================
``event_name``          the name
``body``                see below
``timestamp``           nanoseconds since the Unix epoch, a decimal string
``observed_timestamp``  the same
``trace_id``            lower-case hex, unless all zero
``span_id``             lower-case hex, unless all zero
``attributes``          an object of the attributes, without those whose key begins with
                        ``audit.integrity.``; of a repeated key, the last value
======================  ====================================================================

A scalar value is an object with one member that names its type: ``{"stringValue": text}``, ``{"intValue": "decimal"}``,
``{"doubleValue": number}``, ``{"boolValue": boolean}``, ``{"bytesValue": "base64"}``. An array is a JSON array, a
key-value list a JSON object, and an empty value ``null``. Severity, flags, resource and scope are not covered.

This form changes with the processor, so it has versions: in ``signingprocessor/1`` the body is a plain JSON string, and
is left out if it is not a string; in ``signingprocessor/2`` it is a value of any type, written as attributes are.

Source: opentelemetry-collector-contrib ``processor/signingprocessor`` (README.md; processor.go, serializeLogRecord).
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import rfc8785
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.errors import CanonicalFormError

__all__ = ["FORM", "FORMS", "INTEGRITY_PREFIX", "MAX_BYTES", "MAX_DEPTH", "Budget", "canonical_json", "integrity_hash"]

FORM = "signingprocessor/2"
"""The current version of the form."""

FORMS = (FORM, "signingprocessor/1")
"""All versions of the form, the current one first."""

INTEGRITY_PREFIX = "audit.integrity."
"""Prefix of the keys of the attributes that are not covered, because they hold the signature."""

MAX_BYTES = 2 << 20
"""Maximum size of the canonical JSON; the signingprocessor refuses larger records, too."""

MAX_DEPTH = 128
"""Maximum number of arrays and key-value lists around a value."""


@dataclass(slots=True)
class Budget:
    """Values that may be written, in all calls that share it: many small values cost more than their bytes tell.

    Attributes:
        values: the number that is left.
    """

    values: int

    def spend(self, values: int) -> None:
        """Take values from it.

        Raises:
            CanonicalFormError: there are not so many left.
        """
        self.values -= values
        if self.values < 0:
            raise CanonicalFormError("there are too many values to check in one request")


def canonical_json(record: LogRecord, form: str = FORM, budget: Budget | None = None) -> bytes:
    """Return the canonical JSON (RFC 8785) of a record.

    Args:
        record: the record as it was sent.
        form: version of the form, one of ``FORMS``.
        budget: limit on the number of values, None for no limit.

    Raises:
        CanonicalFormError: the record has no canonical JSON: it is too large or nested too deeply, or a number in it is
            NaN or infinite; or the budget is spent.
    """
    budget = budget or Budget(sys.maxsize)
    members: dict[str, Any] = {}
    if record.event_name:
        members["event_name"] = record.event_name
    if form != FORM:
        if record.body.HasField("string_value"):
            members["body"] = record.body.string_value
    elif (body := _value(record.body, 0, budget)) is not None:
        members["body"] = body
    if record.time_unix_nano:
        members["timestamp"] = _nanoseconds(record.time_unix_nano)
    if record.observed_time_unix_nano:
        members["observed_timestamp"] = _nanoseconds(record.observed_time_unix_nano)
    # An id of another length is invalid, but written all the same: otherwise it could be changed unnoticed.
    if any(record.trace_id):
        members["trace_id"] = record.trace_id.hex()
    if any(record.span_id):
        members["span_id"] = record.span_id.hex()
    covered = [attribute for attribute in record.attributes if not attribute.key.startswith(INTEGRITY_PREFIX)]
    if attributes := _members(covered, 0, budget):
        members["attributes"] = attributes
    try:
        canonical = rfc8785.dumps(members)
    except rfc8785.FloatDomainError:
        raise CanonicalFormError(
            "a number is NaN or infinite, which JSON cannot represent", "it as a string, or leave it out"
        ) from None
    if len(canonical) > MAX_BYTES:
        raise CanonicalFormError(f"the record's canonical JSON is larger than {MAX_BYTES >> 20} MiB")
    return canonical


def integrity_hash(record: LogRecord, form: str = FORM) -> bytes:
    """Return the SHA-256 of a record's canonical JSON, 32 bytes.

    Args:
        record: the record as it was sent.
        form: version of the form, one of ``FORMS``.

    Raises:
        CanonicalFormError: the record has no canonical JSON.
    """
    return sha256(canonical_json(record, form)).digest()


def _nanoseconds(time: int) -> str:
    # The processor reads the unsigned number of OTLP as a signed one.
    return str(time if time < 1 << 63 else time - (1 << 64))


def _value(value: AnyValue, depth: int, budget: Budget) -> Any:
    if depth > MAX_DEPTH:
        raise CanonicalFormError(f"a value is nested more than {MAX_DEPTH} levels deep", "a flatter value")
    match value.WhichOneof("value"):
        case "string_value":
            return {"stringValue": value.string_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            return {"doubleValue": value.double_value}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "bytes_value":
            return {"bytesValue": b64encode(value.bytes_value).decode()}
        case "array_value":
            budget.spend(len(value.array_value.values))
            return [_value(element, depth + 1, budget) for element in value.array_value.values]
        case "kvlist_value":
            return _members(value.kvlist_value.values, depth + 1, budget)
        case _:
            return None


def _members(pairs: Sequence[KeyValue], depth: int, budget: Budget) -> dict[str, Any]:
    budget.spend(len(pairs))
    return {pair.key: _value(pair.value, depth, budget) for pair in pairs}
