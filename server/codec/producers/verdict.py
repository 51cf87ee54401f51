"""The check of the signature that a producer put on a record (``audit.integrity.*``)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.annotations import Annotation, annotation
from server.codec.audit.errors import CanonicalFormError
from server.codec.audit.integrity_form import FORM, FORMS, INTEGRITY_PREFIX, Budget, canonical_json
from server.codec.producers.algorithms import ALGORITHMS, HMAC, PublicKey, fits, mac_is_valid, signature_is_valid
from server.codec.producers.effort import Efforts, mac_effort, verification_effort
from server.codec.producers.policy import Result
from server.codec.producers.trust import Signer, Trust
from server.notary.producer_signature import PRODUCER

__all__ = ["UNSIGNED", "VALUE", "Verdict", "check_record", "marks_of"]

VALUE = f"{INTEGRITY_PREFIX}value"
"""Key of the attribute with the signature."""

_ALGORITHM, _CERTIFICATE = (INTEGRITY_PREFIX + name for name in ("algorithm", "certificate"))
_MARKS = (VALUE, _ALGORITHM, _CERTIFICATE)
_TOO_MANY_FAILED = "the signature was not checked: too many signatures of the request do not match"
_TOO_MANY_UNTRUSTED = "the key is not trusted, and too many of the request are not, so the signature was not checked"
_MISMATCH = "the signature does not match the record"
_LONGEST_SIGNATURE = 2048  # base64 characters; a signature with an RSA key of 8192 bits has 1368


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of the check of one record.

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


UNSIGNED = Verdict(Result.UNSIGNED)
"""The verdict about a record without a signature."""


def marks_of(attributes: Iterable[KeyValue]) -> Mapping[str, str | None]:
    """Return the attributes that are about a signature: its value, algorithm and certificate; None is no string.

    Texts, and not the values of protobuf: it makes a new text each time that it is asked, of what may be megabytes.
    """
    return {
        attribute.key: attribute.value.string_value if attribute.value.HasField("string_value") else None
        for attribute in attributes
        if attribute.key in _MARKS
    }


def check_record(
    record: LogRecord,
    shared: Mapping[str, str | None],
    trust: Trust,
    received: int,
    budget: Budget | None = None,
    efforts: Efforts | None = None,
) -> Verdict:
    """Check the signature of a record.

    Args:
        record: the record as it was sent.
        shared: those of its resource, which count unless the record itself has them.
        trust: the keys that are trusted.
        received: time of receipt in nanoseconds since the epoch, which stands for the time of a record without one.
        budget: limit on the number of values in canonical JSON, None for no limit.
        efforts: what is left of the request's allowances, None for those of this record alone.
    """
    efforts = efforts or Efforts()
    own = marks_of(record.attributes)
    if VALUE not in own:
        return UNSIGNED
    marks = {**shared, **own}
    texts = {key: text for key, text in marks.items() if text is not None}
    if len(texts) < len(marks):
        return Verdict(Result.FAILED, "an attribute of the signature is not a string")
    algorithm = texts.get(_ALGORITHM) or ALGORITHMS[0]
    if algorithm not in ALGORITHMS:
        return Verdict(Result.FAILED, "the algorithm is not supported")
    signature = _signature(texts[VALUE])
    if signature is None:
        return Verdict(Result.FAILED, "the signature is not base64, or too long", algorithm=algorithm)
    try:
        if algorithm == HMAC:
            return _check_mac(_payloads(record, budget), signature, trust.secrets, efforts)
        time = record.time_unix_nano or record.observed_time_unix_nano or received
        signer = trust.signer(texts.get(_CERTIFICATE, ""), algorithm, efforts.untrusted)
        if signer.key is None:
            return Verdict(Result.UNTRUSTED, signer.problem, signer.fingerprint, algorithm)
        if not fits(algorithm, signer.key):
            return Verdict(Result.FAILED, "the key is not one of the algorithm", signer.fingerprint, algorithm)
        return _check_signature(_payloads(record, budget), algorithm, signature, (signer, signer.key), time, efforts)
    except CanonicalFormError as error:
        return Verdict(Result.FAILED, str(error), algorithm=algorithm)


_Payloads = Iterator[tuple[str, bytes]]


def _signature(text: str) -> bytes | None:
    if len(text) > _LONGEST_SIGNATURE:
        return None
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _payloads(record: LogRecord, budget: Budget | None) -> Iterator[tuple[str, bytes]]:
    """Yield the versions of the canonical form that cover the body, and the JSON of each; the same JSON only once."""
    before: set[bytes] = set()
    for form in FORMS:
        if form != FORM and record.HasField("body") and not record.body.HasField("string_value"):
            continue  # it leaves such a body out, so anybody could add one to a record that was signed without
        payload = canonical_json(record, form, budget)
        if payload not in before:
            before.add(payload)
            yield form, payload


def _check_signature(
    payloads: _Payloads, algorithm: str, signature: bytes, of: tuple[Signer, PublicKey], time: int, efforts: Efforts
) -> Verdict:
    signer, key = of
    if signer.problem and not efforts.verifies_untrusted:
        return Verdict(Result.UNTRUSTED, signer.problem, signer.fingerprint, algorithm)
    allowance = efforts.untrusted if signer.problem else efforts.failed
    if allowance.is_used_up:
        if signer.problem:
            return Verdict(Result.UNTRUSTED, _TOO_MANY_UNTRUSTED, signer.fingerprint, algorithm)
        return Verdict(Result.FAILED, _TOO_MANY_FAILED, signer.fingerprint, algorithm)
    effort = 0
    for form, payload in payloads:
        effort += verification_effort(key, payload)
        if signature_is_valid(algorithm, key, signature, payload):
            if signer.problem:
                allowance.spend(effort)
            problem = signer.problem_at(time)
            result = Result.UNTRUSTED if problem else Result.VERIFIED
            return Verdict(result, problem, signer.fingerprint, algorithm, form)
    allowance.spend(effort)
    return Verdict(Result.FAILED, _MISMATCH, signer.fingerprint, algorithm)


def _check_mac(payloads: _Payloads, mac: bytes, secrets: Mapping[str, bytes], efforts: Efforts) -> Verdict:
    if not secrets:
        return Verdict(Result.UNTRUSTED, "there is no HMAC secret to check it with", algorithm=HMAC)
    if efforts.failed.is_used_up:
        return Verdict(Result.FAILED, _TOO_MANY_FAILED, algorithm=HMAC)
    effort = 0
    for form, payload in payloads:
        for name, secret in secrets.items():
            if mac_is_valid(secret, mac, payload):
                return Verdict(Result.VERIFIED, "", name, HMAC, form)
        effort += mac_effort(len(secrets), payload)
    efforts.failed.spend(effort)
    return Verdict(Result.FAILED, _MISMATCH, algorithm=HMAC)
