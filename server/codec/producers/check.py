"""Checks of requests for signatures of producers, by a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.codec.annotations import Annotation, Annotations
from server.codec.audit.integrity_form import INTEGRITY_PREFIX, MAX_BYTES, Budget
from server.codec.audit.request_records import RecordPlace
from server.codec.decode_parts import reason_of
from server.codec.limits import MAX_MEMBERS, MAX_RECORDS, ROW_LIMITS, malformed, too_many_members, too_many_records
from server.codec.producers.effort import Efforts
from server.codec.producers.envelope import Envelope
from server.codec.producers.native_records import MARKS
from server.codec.producers.policy import Policy, ProducerKeys, Result
from server.codec.producers.trust import Trust
from server.codec.producers.verdict import UNSIGNED, VALUE, Verdict, check_record, marks_of
from server.codec.signals import Signal
from server.errors.ingest import UnprovedRecordError

__all__ = ["SignatureCheck"]

_Message = TypeVar("_Message", LogRecord, Resource)

_MOST_VALUES = 2_000_000  # in canonical JSON, for each request
_LARGEST = MAX_BYTES + MAX_BYTES // 8  # bytes of a record or resource that is parsed
_TOO_LARGE = Verdict(Result.FAILED, f"the record or its resource is larger than {MAX_BYTES >> 20} MiB")


class SignatureCheck:
    """Checks the requests of log records by a policy; thread-safe."""

    def __init__(
        self,
        policy: Policy,
        keys: ProducerKeys,
        count: Callable[[Mapping[str, int]], object],
        is_native: Callable[[LogRecord], bool],
        has: Callable[[bytes, bytes], bool],
    ) -> None:
        """Check by a policy.

        Args:
            policy: the policy, not ``OFF``.
            keys: the keys that are trusted.
            count: called with the number of records by result, for each request that was looked into.
            is_native: function that tells whether a record is an audit record of the draft OpenTelemetry signal.
            has: function that tells whether a request has some bytes, such as ``operator.contains``.
        """
        self._requires = policy is Policy.REQUIRE
        self._trust = Trust(keys)
        self._count = count
        self._is_native = is_native
        self._has = has
        self._marks = [INTEGRITY_PREFIX.encode(), *(MARKS if self._requires else ())]

    def use(self, keys: ProducerKeys) -> None:
        """Trust other keys from the next request on."""
        self._trust = Trust(keys)

    def examine(self, request: bytes, received: int) -> Annotations:
        """Check the signed records of a request and return annotations with the results.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.
            received: time of receipt in nanoseconds since the epoch.

        Raises:
            MalformedRequestError: the request cannot be decoded; or signatures are required, and an audit record does
                not have one that is verified (``UnprovedRecordError``).
        """
        # Most requests have no signatures. To look for the bytes costs much less than to look into a request.
        if not any(self._has(request, mark) for mark in self._marks):
            return ()
        annotations: list[Annotation] = []
        results = Counter[str]()
        try:
            for number, verdict in enumerate(self._verdicts(request, received)):
                results[verdict.result.value] += 1
                if verdict.result is not Result.UNSIGNED:
                    annotations.append(verdict.annotation(number))
        finally:
            self._count(results)
        return annotations

    def _verdicts(self, request: bytes, received: int) -> Iterator[Verdict]:
        trust, budget, envelope = self._trust, Budget(_MOST_VALUES), Envelope(request)
        # If signatures are required, no signature with a key that is not trusted is good enough.
        efforts = Efforts(verifies_untrusted=not self._requires)
        number = 0
        for resource_number, resource_logs in enumerate(envelope.resource_logs()):
            shared: Mapping[str, str | None] | None = None
            for place in envelope.records(resource_number, resource_logs):
                number += 1
                if number > MAX_RECORDS:
                    raise too_many_records(ROW_LIMITS, Signal.LOGS)
                if all(request.find(mark, place.start, place.end) < 0 for mark in self._marks):
                    yield UNSIGNED
                    continue
                if shared is None:
                    shared = _shared(request, envelope.resource(resource_logs))
                verdict = _TOO_LARGE
                record = LogRecord()
                if place.end - place.start <= _LARGEST and shared is not _UNREAD:
                    record = _parsed(LogRecord, request, request[place.start : place.end])
                    verdict = check_record(record, shared, trust, received, budget, efforts)
                yield verdict
                is_proved = verdict.result is Result.VERIFIED or not self._requires
                if not is_proved and (verdict is _TOO_LARGE or self._is_native(record)):
                    raise _refusal(record, place, verdict)


_UNREAD: Mapping[str, str | None] = {}


def _shared(request: bytes, resource: bytes) -> Mapping[str, str | None]:
    """Return what the resource of records says about their signatures, ``_UNREAD`` if it is too large."""
    return marks_of(_parsed(Resource, request, resource).attributes) if len(resource) <= _LARGEST else _UNREAD


def _parsed(kind: type[_Message], request: bytes, content: bytes) -> _Message:
    try:
        message = kind.FromString(content)
    except DecodeError as error:
        raise malformed(request, reason_of(error), Signal.LOGS) from error
    if len(message.attributes) > MAX_MEMBERS:
        raise too_many_members()
    return message


def _refusal(record: LogRecord, place: RecordPlace, verdict: Verdict) -> UnprovedRecordError:
    ids = [one.value.string_value for one in record.attributes if one.key == "audit.record.id"]
    named = f" (audit.record.id {ids[-1][:80]!r})" if ids and ids[-1] else ""
    wrong = f"its signature is {verdict.result.value}: {verdict.reason}"
    if verdict.result is Result.UNSIGNED:
        wrong = f"it is not signed: {VALUE} is missing"
    return UnprovedRecordError(
        f"{place}{named}: an audit record must have a valid signature of a trusted producer, but {wrong}"
    )
