"""Audit records that are held to the draft OpenTelemetry audit signal: checked, told apart by id, and picked.

A record must have Timestamp, ObservedTimestamp, EventName and the attributes of ``MANDATORY``, all strings. Of an
attribute that is sent several times the last value counts, as it does for audit rules. An id is a UUID, in lower or in
upper case.

Source: open-telemetry/opentelemetry-specification, pull request 5059, ``specification/audit``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass
from uuid import UUID

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.errors import CanonicalFormError
from server.codec.audit.integrity_form import MAX_BYTES, integrity_hash
from server.codec.audit.producer_chain import ProducerChain, chain_of
from server.codec.audit.request_records import RecordPlace, pick_records, records_of
from server.codec.redaction import UNREDACTED, Redactor
from server.codec.request_look import REFERENCE_LOOK, RequestLook
from server.errors.audit_records import AuditRecordConflictError, InvalidAuditRecordError
from server.errors.ingest import OverloadedError, OversizedError

__all__ = [
    "MANDATORY",
    "MAX_RECORDS",
    "MAX_VALUES",
    "StrictRecord",
    "StrictRequest",
    "Survey",
    "check_request",
    "may_have_native_keys",
    "survey_request",
]

RECORD_ID = "audit.record.id"

MANDATORY = (RECORD_ID, "audit.actor.id", "audit.actor.type", "audit.action", "audit.outcome")
"""Keys of the attributes that every audit record must have; a record with any of them says that it is one."""

_FORM = "signingprocessor/2"  # of the digests in storage, so it stays even if others come
_CHOICES = {"audit.actor.type": ("user", "service", "system"), "audit.outcome": ("success", "failure", "unknown")}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_SHOWN = 64  # characters of a value in a message

_MANDATORY = tuple(key.encode() for key in MANDATORY)

MAX_RECORDS = 10_000
"""Maximum number of audit records in one request: checking them takes a second, and others wait."""

MAX_VALUES = 250_000
"""Maximum number of attributes, members of lists and elements of arrays in the audit records of one request."""

_MOST_VALUES = 1 << 17  # in one record: more do not fit into its canonical JSON, unless they are null
_LARGEST = MAX_BYTES + MAX_BYTES // 8  # bytes of one record that is parsed
_SMALL = 64 << 10  # bytes of a record that takes little memory, whatever it has
_TIMES = 20  # of its size that a record of long texts takes while it is checked, as measured
_VALUE_BYTES = 1_200  # that each of its values takes, as measured


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Survey:
    """Cost of checking a request.

    Attributes:
        redacts: False if there is nothing to redact in it.
        size: bytes of its rows, as far as that is known, and no less than its own.
        memory: bytes of memory that its largest audit record takes while it is checked.
    """

    redacts: bool
    size: int
    memory: int


@dataclass(frozen=True, slots=True)
class StrictRecord:
    """An audit record that has all that it must have.

    Attributes:
        record_id: its id.
        digest: SHA-256 of its canonical JSON, without secrets.
        place: where it is in the request, for messages.
        chain: its place in a chain of its producer; None if it names none.
    """

    record_id: UUID
    digest: bytes
    place: str
    chain: ProducerChain | None


class StrictRequest:
    """A request whose audit records were checked.

    Attributes:
        records: the audit records, one for each id, in order.
        has_others: True if the request has records that were not checked.
    """

    def __init__(
        self, request: bytes, records: Mapping[int, StrictRecord], native: Set[int], *, has_others: bool
    ) -> None:
        """Keep a request.

        Args:
            request: its bytes.
            records: the audit records by the offset of their first byte, one for each id.
            native: the offsets of all audit records.
            has_others: as the attribute.
        """
        self._request = request
        self._starts = records
        self._native = native
        self.has_others = has_others
        self.records = tuple(records.values())

    def with_only(self, record_ids: Collection[UUID]) -> bytes:
        """Return the request, serialized, with the audit records of some ids alone, in their order."""
        chosen = {start for start, record in self._starts.items() if record.record_id in record_ids}
        if len(chosen) == len(self._native) and not self.has_others:
            return self._request
        return pick_records(self._request, chosen.__contains__)

    def without_audit(self) -> bytes:
        """Return the request, serialized, with the records alone that were not checked."""
        return pick_records(self._request, lambda start: start not in self._native)


def may_have_native_keys(request: bytes) -> bool:
    """Return whether a serialized request may have records with the keys of the draft: one search of its bytes."""
    return b"audit." in request


def survey_request(
    request: bytes, *, every: bool, look: RequestLook = REFERENCE_LOOK, is_left: Callable[[], bool] = _never
) -> Survey:
    """Find out what checking a request takes. Args: as ``check_request``.

    Raises:
        MalformedRequestError: the bytes are not a request of logs, or have too many records.
        OversizedError: the request has too many audit records.
        OverloadedError: nobody waits for the result any more.
    """
    seen = look.look(request)
    memory = 0
    for number, place in enumerate(records_of(request)):
        _check_waited_for(is_left)
        if every and number == MAX_RECORDS:
            raise _too_many("records")
        if place.end - place.start > _SMALL and (every or _may_be_native(request, place)):
            record = request[place.start : place.end]
            values = look.values(record)
            if not _too_large(record, values):  # otherwise it is never parsed
                memory = max(memory, _TIMES * len(record) + _VALUE_BYTES * values)
    return Survey(seen.redacts, max(seen.size, len(request)), memory)


def check_request(
    request: bytes,
    *,
    every: bool,
    look: RequestLook = REFERENCE_LOOK,
    survey: Survey | None = None,
    is_left: Callable[[], bool] = _never,
) -> StrictRequest:
    """Check the audit records of a request, one after the other: of a whole request, parsing takes too much memory.

    Args:
        request: a serialized ``ExportLogsServiceRequest``.
        every: True if all records must be audit records, False if only those with a key of ``MANDATORY`` are.
        look: look at requests, with the redactor that marks secrets before records are hashed: with marks that are the
            same on all servers. A hash over a secret, beside all else that was hashed with it, would let others try
            guesses of the secret.
        survey: what ``survey_request`` has found out, if it was called before.
        is_left: returns whether nobody waits for the result any more; asked before each record.

    Raises:
        MalformedRequestError: the bytes are not such a request.
        InvalidAuditRecordError: a record is not a valid audit record.
        AuditRecordConflictError: two records have the same id and different content.
        OversizedError: the request has too many audit records, or too many values in them.
        OverloadedError: nobody waits for the result any more.
    """
    survey = survey or survey_request(request, every=every, look=look)
    redactor = look.redactor() if survey.redacts else UNREDACTED
    records: dict[int, StrictRecord] = {}
    native: set[int] = set()
    by_id: dict[UUID, StrictRecord] = {}
    left, has_others = MAX_VALUES, False
    for place in records_of(request):
        _check_waited_for(is_left)
        if not (every or _may_be_native(request, place)):
            has_others = True
            continue
        sent = request[place.start : place.end]
        values = look.values(sent)
        if too_large := _too_large(sent, values):
            raise _invalid(str(place), f"the record {too_large}, so it has no integrity hash: send a smaller record")
        record = LogRecord.FromString(sent)
        if not (every or _is_native(record)):
            has_others = True
            continue
        left -= values
        native.add(place.start)
        if len(native) > MAX_RECORDS or left < 0:
            raise _too_many("records" if left >= 0 else "values")
        checked = _check(record, str(place), redactor)
        first = by_id.setdefault(checked.record_id, checked)
        if first.digest != checked.digest:
            raise AuditRecordConflictError(
                f"{checked.place} has the id of {first.place} and other content: give each record an id of its own. "
                "Nothing of the request was stored"
            )
        if first is checked:
            records[place.start] = checked
    return StrictRequest(request, records, native, has_others=has_others)


def _check_waited_for(is_left: Callable[[], bool]) -> None:
    if is_left():
        raise OverloadedError("audit records were not checked in time", retry_after=5.0)


def _too_large(record: bytes, values: int) -> str:
    """Return why a record is not even parsed, empty if it is."""
    if len(record) > _LARGEST:
        return f"is larger than {MAX_BYTES >> 20} MiB"
    return f"has {values:,} values" if values > _MOST_VALUES else ""


def _may_be_native(request: bytes, place: RecordPlace) -> bool:
    return any(request.find(key, place.start, place.end) >= 0 for key in _MANDATORY)


def _is_native(record: LogRecord) -> bool:
    return any(attribute.key in MANDATORY for attribute in record.attributes)


def _too_many(what: str) -> OversizedError:
    most = f"{MAX_RECORDS:,} audit records" if what == "records" else f"{MAX_VALUES:,} values in its audit records"
    return OversizedError(f"a request may have {most}, and this one has more: send it in smaller batches")


def _check(record: LogRecord, where: str, redactor: Redactor) -> StrictRecord:
    values = {attribute.key: attribute.value for attribute in record.attributes}
    named = values.get(RECORD_ID)
    if named is not None and named.string_value:
        where += f" ({RECORD_ID} {named.string_value[:_SHOWN]!r})"
    for field, sent, what in (
        ("timeUnixNano", record.time_unix_nano, "the time of the event"),
        ("observedTimeUnixNano", record.observed_time_unix_nano, "the time at which the event was observed"),
        ("eventName", record.event_name, "the name of the event"),
    ):
        if not sent:
            raise _invalid(where, f"{field} is missing: send {what}")
    for key in MANDATORY:
        _check_attribute(where, key, values.get(key))
    text = values[RECORD_ID].string_value
    if not _UUID.fullmatch(text) or not (record_id := UUID(text)).int:
        form = (
            "send a UUID in lower or in upper case, and not all zero, such as 2f1e7c1a-4c1f-4b0e-9a53-0c8d1f6f7a11, "
            "the same with each retry"
        )
        raise _invalid(where, f"{RECORD_ID} is not a UUID: {form}")
    try:
        digest = integrity_hash(redactor.without_secrets(record), _FORM)
    except CanonicalFormError as error:
        raise _invalid(where, f"{error}, so the record has no integrity hash: send {error.remedy}") from None
    return StrictRecord(record_id, digest, where, chain_of(values))


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


def _invalid(where: str, what: str) -> InvalidAuditRecordError:
    return InvalidAuditRecordError(f"{where}: {what}. Nothing of the request was stored")
