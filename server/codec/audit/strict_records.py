"""Audit records that are held to the draft OpenTelemetry audit signal: checked, told apart by id, and picked.

A record must have Timestamp, ObservedTimestamp, EventName and the attributes of ``MANDATORY``, all strings. Of an
attribute that is sent several times the last value counts, as it does for audit rules. An id is a UUID, in lower or in
upper case.

Source: open-telemetry/opentelemetry-specification, pull request 5059, ``specification/audit``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.errors import CanonicalFormError
from server.codec.audit.integrity_form import integrity_hash
from server.codec.decode_parts import parse
from server.codec.redaction import UNREDACTED, Redactor
from server.codec.signals import Signal
from server.errors.audit_records import AuditRecordConflictError, InvalidAuditRecordError

__all__ = ["FIRST_OF_CHAIN", "MANDATORY", "StrictRecord", "StrictRequest", "check_request", "may_have_native_keys"]

RECORD_ID = "audit.record.id"

MANDATORY = (RECORD_ID, "audit.actor.id", "audit.actor.type", "audit.action", "audit.outcome")
"""Keys of the attributes that every audit record must have; a record with any of them says that it is one."""

FIRST_OF_CHAIN = sha256(b"").digest()
"""The previous hash of the first record of a producer's chain."""

_FORM = "signingprocessor/2"  # of the digests in storage, so it stays even if others come
_CHOICES = {"audit.actor.type": ("user", "service", "system"), "audit.outcome": ("success", "failure", "unknown")}
_PREVIOUS = (
    "audit.prev.hash",
    "audit.prev_hash",
    "audit.previous.hash",
    "audit.previous_hash",
    "audit.sequence.prev.hash",
    "audit.sequence.prev_hash",
    "audit.sequence.previous.hash",
    "audit.sequence.previous_hash",
)
_IN_CHAIN = ("audit.sequence.", "audit.prev")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_HASH = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
_SHOWN = 64  # characters of a value in a message

_Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class StrictRecord:
    """An audit record that has all that it must have.

    Attributes:
        record_id: its id.
        digest: SHA-256 of its canonical JSON, without secrets.
        place: where it is in the request, for messages.
        in_chain: True if it says that it is part of a chain of its producer.
        previous: hash of the record before it in that chain, empty if it cannot be read; None if it gives none.
    """

    record_id: UUID
    digest: bytes
    place: str
    in_chain: bool
    previous: bytes | None


class StrictRequest:
    """A request whose audit records were checked.

    Attributes:
        records: the audit records, one for each id, in order.
    """

    def __init__(
        self, request: bytes, message: ExportLogsServiceRequest, records: dict[_Place, StrictRecord], others: int
    ) -> None:
        """Keep a request. Args: its bytes, the message, the records by place, the number of other records."""
        self._request = request
        self._message = message
        self._places = records
        self._others = others
        self.records = tuple(records.values())

    @property
    def has_others(self) -> bool:
        """True if the request has records that were not checked."""
        return self._others > 0

    @cached_property
    def _all(self) -> int:
        return sum(len(scope.log_records) for resource in self._message.resource_logs for scope in resource.scope_logs)

    def with_only(self, record_ids: Collection[UUID]) -> bytes:
        """Return the request, serialized, with the audit records of some ids alone, in their order."""
        chosen = {place for place, record in self._places.items() if record.record_id in record_ids}
        return self._request if len(chosen) == self._all else self._picked(chosen)

    def without_audit(self) -> bytes:
        """Return the request, serialized, with the records alone that were not checked."""
        return self._picked({place for place, record in _records(self._message) if not _is_native(record)})

    def _picked(self, chosen: Collection[_Place]) -> bytes:
        picked = ExportLogsServiceRequest()
        for i, resource in enumerate(self._message.resource_logs):
            scopes = [(j, scope) for j, scope in enumerate(resource.scope_logs)]
            kept = {j: [k for k in range(len(scope.log_records)) if (i, j, k) in chosen] for j, scope in scopes}
            if not any(kept.values()):
                continue
            to_resource = picked.resource_logs.add(schema_url=resource.schema_url)
            to_resource.resource.CopyFrom(resource.resource)
            for j, scope in scopes:
                if kept[j]:
                    to_scope = to_resource.scope_logs.add(schema_url=scope.schema_url)
                    to_scope.scope.CopyFrom(scope.scope)
                    to_scope.log_records.extend(scope.log_records[k] for k in kept[j])
        serialized: bytes = picked.SerializeToString()
        return serialized


def may_have_native_keys(request: bytes) -> bool:
    """Return whether a serialized request may have records with the keys of the draft: one search of its bytes."""
    return b"audit." in request


def check_request(
    request: bytes, *, every: bool, redactor: Redactor = UNREDACTED, may_redact: Callable[[bytes], bool] = bool
) -> StrictRequest:
    """Check the audit records of a request.

    Args:
        request: a serialized ``ExportLogsServiceRequest``.
        every: True if all records must be audit records, False if only those with a key of ``MANDATORY`` are.
        redactor: redactor that marks secrets before records are hashed, with marks that are the same on all servers. A
            hash over a secret, beside all else that was hashed with it, would let others try guesses of the secret.
        may_redact: function that returns whether the redactor may find a secret in a request.

    Raises:
        MalformedRequestError: the bytes are not such a request.
        InvalidAuditRecordError: a record is not a valid audit record.
        AuditRecordConflictError: two records have the same id and different content.
    """
    message = parse(ExportLogsServiceRequest, request, Signal.LOGS)
    if not may_redact(request):
        redactor = UNREDACTED
    records: dict[_Place, StrictRecord] = {}
    by_id: dict[UUID, StrictRecord] = {}
    others = 0
    for place, record in _records(message):
        if not (every or _is_native(record)):
            others += 1
            continue
        checked = _check(record, place, redactor)
        first = by_id.setdefault(checked.record_id, checked)
        if first.digest != checked.digest:
            raise AuditRecordConflictError(
                f"{checked.place} has the id of {first.place} and other content: give each record an id of its own. "
                "Nothing of the request was stored"
            )
        if first is checked:
            records[place] = checked
    return StrictRequest(request, message, records, others)


def _records(message: ExportLogsServiceRequest) -> Iterator[tuple[_Place, LogRecord]]:
    for i, resource in enumerate(message.resource_logs):
        for j, scope in enumerate(resource.scope_logs):
            for k, record in enumerate(scope.log_records):
                yield (i, j, k), record


def _is_native(record: LogRecord) -> bool:
    return any(attribute.key in MANDATORY for attribute in record.attributes)


def _check(record: LogRecord, place: _Place, redactor: Redactor) -> StrictRecord:
    i, j, k = place
    where = f"resource_logs[{i}].scope_logs[{j}].log_records[{k}]"
    values = {attribute.key: attribute.value for attribute in record.attributes}
    named = values.get(RECORD_ID)
    if named is not None and named.string_value:
        where += f" ({RECORD_ID} {named.string_value[:_SHOWN]!r})"
    for field, sent, what in (
        ("time_unix_nano", record.time_unix_nano, "the time of the event"),
        ("observed_time_unix_nano", record.observed_time_unix_nano, "the time at which the event was observed"),
        ("event_name", record.event_name, "the name of the event"),
    ):
        if not sent:
            raise _invalid(where, f"{field} is missing: send {what}")
    for key in MANDATORY:
        _check_attribute(where, key, values.get(key))
    text = values[RECORD_ID].string_value
    if not _UUID.fullmatch(text) or not (record_id := UUID(text)).int:
        form = "send a UUID such as 2f1e7c1a-4c1f-4b0e-9a53-0c8d1f6f7a11, the same with each retry"
        raise _invalid(where, f"{RECORD_ID} is not a UUID: {form}")
    try:
        digest = integrity_hash(redactor.without_secrets(record), _FORM)
    except CanonicalFormError as error:
        raise _invalid(where, f"{error}, so the record has no integrity hash: send a smaller or simpler one") from None
    sent_previous = next((values[key] for key in _PREVIOUS if key in values), None)
    previous = None if sent_previous is None else _hash_of(sent_previous)
    return StrictRecord(record_id, digest, where, any(key.startswith(_IN_CHAIN) for key in values), previous)


def _check_attribute(where: str, key: str, value: AnyValue | None) -> None:
    choices = _CHOICES.get(key, ())
    wanted = f"send {', '.join(choices[:-1])} or {choices[-1]}" if choices else "send a string that is not empty"
    if value is None or value.WhichOneof("value") is None:
        raise _invalid(where, f"the attribute {key} is missing: {wanted}")
    if not value.HasField("string_value"):
        raise _invalid(where, f"the attribute {key} is not a string: {wanted}")
    if not value.string_value:
        raise _invalid(where, f"the attribute {key} is empty: {wanted}")
    if choices and value.string_value not in choices:
        raise _invalid(where, f"the attribute {key} is {value.string_value[:_SHOWN]!r}: {wanted}")


def _hash_of(value: AnyValue) -> bytes:
    if value.HasField("bytes_value"):
        return value.bytes_value if len(value.bytes_value) == len(FIRST_OF_CHAIN) else b""
    found = _HASH.fullmatch(value.string_value)
    return bytes.fromhex(found[1]) if found else b""


def _invalid(where: str, what: str) -> InvalidAuditRecordError:
    return InvalidAuditRecordError(f"{where}: {what}. Nothing of the request was stored")
