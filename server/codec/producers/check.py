"""Checks of the signatures that producers put on their records (``audit.integrity.*``)."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.annotations import Annotation, Annotations, annotation
from server.codec.audit.errors import CanonicalFormError
from server.codec.audit.integrity_form import FORMS, INTEGRITY_PREFIX, canonical_json
from server.codec.decode_parts import parse
from server.codec.producers.algorithms import ALGORITHMS, HMAC, fits, mac_is_valid, signature_is_valid
from server.codec.producers.policy import Policy, ProducerKeys, Result
from server.codec.producers.trust import Signer, Trust
from server.codec.signals import Signal
from server.errors.ingest import UnprovedRecordError
from server.notary.producer_signature import PRODUCER

__all__ = ["SignatureCheck", "Verdict", "check_record"]

_VALUE, _ALGORITHM, _CERTIFICATE = (INTEGRITY_PREFIX + name for name in ("value", "algorithm", "certificate"))
_MARKS = (_VALUE, _ALGORITHM, _CERTIFICATE)
# A record with one of these attributes is an audit record of the draft OpenTelemetry signal (presets/10-otel.toml).
_NATIVE = frozenset({"audit.record.id", "audit.actor.id", "audit.actor.type", "audit.action", "audit.outcome"})
_MISMATCH = "the signature does not match the record"
_LONGEST_SIGNATURE = 2048  # characters of base64: twice that of the largest RSA key


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of one record found.

    Attributes:
        result: the result.
        reason: why it is not verified; from a fixed set of sentences, without anything that the sender wrote.
        key: fingerprint of the certificate or public key, or name of the secret; empty if it is not known.
        algorithm: name of the algorithm; empty if it is not known.
        form: version of the canonical form that was signed; empty unless the signature is valid.
    """

    result: Result
    reason: str = ""
    key: str = ""
    algorithm: str = ""
    form: str = ""

    def annotation(self, record: int) -> Annotation:
        """Return the annotation of a record with this verdict; the result is its first member."""
        told = {"result": self.result.value, "reason": self.reason, "key": self.key}
        told |= {"algorithm": self.algorithm, "form": self.form}
        return annotation(record, PRODUCER, {name: text for name, text in told.items() if text})


_UNSIGNED = Verdict(Result.UNSIGNED, "the record is not signed")


def check_record(record: LogRecord, shared: Iterable[KeyValue], trust: Trust, received: int) -> Verdict:
    """Check the signature of a record.

    Args:
        record: the record as it was sent.
        shared: attributes of its resource, which have the algorithm and the certificate unless the record has them.
        trust: the keys that are trusted.
        received: time of receipt in nanoseconds since the epoch, which stands for the time of a record without one.
    """
    own = _marks(record.attributes)
    if _VALUE not in own:
        return _UNSIGNED
    marks = _marks(shared) | own
    if any(not value.HasField("string_value") for value in marks.values()):
        return Verdict(Result.FAILED, "an attribute of the signature is not a string")
    texts = {key: value.string_value for key, value in marks.items()}
    algorithm = texts.get(_ALGORITHM) or ALGORITHMS[0]
    if algorithm not in ALGORITHMS:
        return Verdict(Result.FAILED, "the algorithm is not supported")
    signature = _signature(texts[_VALUE])
    if signature is None:
        return Verdict(Result.FAILED, "the signature is not base64, or too long", algorithm=algorithm)
    try:
        if algorithm == HMAC:
            return _check_mac(record, signature, trust.secrets)
        time = record.time_unix_nano or record.observed_time_unix_nano or received
        return _check_signature(
            record, algorithm, signature, trust.signer(texts.get(_CERTIFICATE, ""), algorithm), time
        )
    except CanonicalFormError as error:
        return Verdict(Result.FAILED, str(error), algorithm=algorithm)


class SignatureCheck:
    """Checks the requests of log records by a policy; thread-safe."""

    def __init__(
        self,
        policy: Policy,
        keys: ProducerKeys,
        count: Callable[[Mapping[str, int]], object],
    ) -> None:
        """Check by a policy.

        Args:
            policy: the policy, not ``OFF``.
            keys: the keys that are trusted.
            count: called with the number of records by result, for each request that was looked into.
        """
        self._requires = policy is Policy.REQUIRE
        self._trust = Trust(keys)
        self._count = count
        marks = [INTEGRITY_PREFIX, *(_NATIVE if self._requires else ())]
        self._marks = [mark.encode() for mark in marks]

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
        # Most requests have no signatures. To look for the bytes costs much less than to parse a request.
        if not any(mark in request for mark in self._marks):
            return ()
        trust = self._trust
        verdicts: list[Verdict] = []
        try:
            for record, shared in _records(parse(ExportLogsServiceRequest, request, Signal.LOGS)):
                verdict = check_record(record, shared, trust, received)
                verdicts.append(verdict)
                if self._requires and verdict.result is not Result.VERIFIED and _is_native(record):
                    raise _refusal(record, len(verdicts), verdict)
        finally:
            self._count(Counter(verdict.result.value for verdict in verdicts))
        return [
            verdict.annotation(number)
            for number, verdict in enumerate(verdicts)
            if verdict.result is not Result.UNSIGNED
        ]


def _records(request: ExportLogsServiceRequest) -> Iterator[tuple[LogRecord, Sequence[KeyValue]]]:
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield record, resource_logs.resource.attributes


def _marks(attributes: Iterable[KeyValue]) -> dict[str, AnyValue]:
    return {attribute.key: attribute.value for attribute in attributes if attribute.key in _MARKS}


def _signature(text: str) -> bytes | None:
    if len(text) > _LONGEST_SIGNATURE:
        return None
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _payloads(record: LogRecord) -> Iterator[tuple[str, bytes]]:
    """Yield the versions of the canonical form and the JSON of each; the same JSON only once."""
    before: set[bytes] = set()
    for form in FORMS:
        payload = canonical_json(record, form)
        if payload not in before:
            before.add(payload)
            yield form, payload


def _check_signature(record: LogRecord, algorithm: str, signature: bytes, signer: Signer, time: int) -> Verdict:
    if signer.key is None:
        return Verdict(Result.UNTRUSTED, signer.problem, signer.fingerprint, algorithm)
    if not fits(algorithm, signer.key):
        return Verdict(Result.FAILED, "the key is not one of the algorithm", signer.fingerprint, algorithm)
    for form, payload in _payloads(record):
        if signature_is_valid(algorithm, signer.key, signature, payload):
            problem = signer.problem_at(time)
            result = Result.UNTRUSTED if problem else Result.VERIFIED
            return Verdict(result, problem, signer.fingerprint, algorithm, form)
    return Verdict(Result.FAILED, _MISMATCH, signer.fingerprint, algorithm)


def _check_mac(record: LogRecord, mac: bytes, secrets: Mapping[str, bytes]) -> Verdict:
    if not secrets:
        return Verdict(Result.UNTRUSTED, "there is no HMAC secret to check it with", algorithm=HMAC)
    for form, payload in _payloads(record):
        for name, secret in secrets.items():
            if mac_is_valid(secret, mac, payload):
                return Verdict(Result.VERIFIED, "", name, HMAC, form)
    return Verdict(Result.FAILED, _MISMATCH, algorithm=HMAC)


def _is_native(record: LogRecord) -> bool:
    return any(attribute.key in _NATIVE for attribute in record.attributes)


def _refusal(record: LogRecord, number: int, verdict: Verdict) -> UnprovedRecordError:
    ids = [one.value.string_value for one in record.attributes if one.key == "audit.record.id"]
    named = f" (audit.record.id {ids[-1][:80]!r})" if ids and ids[-1] else ""
    wrong = f"its signature is {verdict.result.value}: {verdict.reason}"
    if verdict.result is Result.UNSIGNED:
        wrong = f"it is not signed: {_VALUE} is missing"
    return UnprovedRecordError(
        f"record {number} of the request{named} is an audit record and must have a valid signature of a trusted "
        f"producer, but {wrong}"
    )
