"""Signatures of producers are checked as the Collector's signingprocessor makes them."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.integrity_form import FORM, FORMS, canonical_json
from server.codec.producers.effort import Allowance, Efforts, verification_effort
from server.codec.producers.keys import parse_producer_keys
from server.codec.producers.policy import ProducerKeys, Result
from server.codec.producers.trust import Trust
from server.codec.producers.verdict import Verdict, check_record, marks_of

from .signing import DAY, NOW, SECRET, attribute, login, mark, private_key, producer, shared, sign, signed

SIGNING = ("RS256", "RS512", "ES256", "EdDSA")


def trust(*pems: str, secrets: tuple[bytes, ...] = ()) -> Trust:
    files = [(f"{number}.pem", pem) for number, pem in enumerate(pems)]
    files += [(f"/keys/{number}.key", b64encode(secret).decode()) for number, secret in enumerate(secrets)]
    return Trust(parse_producer_keys(files))


def check(record: LogRecord, algorithm: str, reference: str, trusted: Trust) -> Verdict:
    return check_record(record, marks_of(shared(algorithm, reference)), trusted, NOW)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_signature_of_each_algorithm_and_form_is_verified(algorithm: str, form: str) -> None:
    one = producer(algorithm)
    record = signed(login(), algorithm, one.key, form)
    expected = Verdict(Result.VERIFIED, "", one.fingerprint, algorithm, form)
    assert check(record, algorithm, one.fingerprint, trust(one.pem)) == expected
    assert check(record, algorithm, one.full, trust(one.pem)) == expected


@pytest.mark.parametrize("form", FORMS)
def test_an_hmac_of_each_form_is_verified(form: str) -> None:
    record = signed(login(), "HMAC-SHA256", SECRET, form)
    found = check(record, "HMAC-SHA256", "", trust(secrets=(b"x" * 32, SECRET)))
    assert found == Verdict(Result.VERIFIED, "", "hmac:1.key", "HMAC-SHA256", form)


def test_a_record_of_the_processors_own_tests_is_verified() -> None:
    # hmac_test.go, TestSignVerifyHMACSHA256: this record, with this secret.
    record = LogRecord(event_name="user.login.success", time_unix_nano=1714041600000000000)
    record.attributes.append(attribute("audit.actor.id", "u1"))
    payload = (
        b'{"attributes":{"audit.actor.id":{"stringValue":"u1"}},'
        b'"event_name":"user.login.success","timestamp":"1714041600000000000"}'
    )
    mac = hmac.new(b"test-hmac-secret-32-bytes-padded!", payload, hashlib.sha256).digest()
    record.attributes.append(mark("value", b64encode(mac).decode()))
    assert check(record, "HMAC-SHA256", "", trust(secrets=(SECRET,))).result is Result.VERIFIED


def _body(record: LogRecord) -> None:
    record.body.string_value = "logged out"


def _structured_body(record: LogRecord) -> None:
    record.body.kvlist_value.values.append(attribute("a", "b"))


def _time(record: LogRecord) -> None:
    record.time_unix_nano += 1


def _observed(record: LogRecord) -> None:
    record.observed_time_unix_nano = NOW


def _type(record: LogRecord) -> None:
    record.attributes[0].value.CopyFrom(AnyValue(bytes_value=b"u1"))


def _added(record: LogRecord) -> None:
    record.attributes.append(attribute("audit.actor.id", "u2"))


def _trace(record: LogRecord) -> None:
    record.trace_id = b"\x01"


def _signature(record: LogRecord) -> None:
    record.attributes.append(mark("value", b64encode(b"x" * 70).decode()))


@pytest.mark.parametrize(
    "alter",
    [_body, _structured_body, _time, _observed, _type, _added, _trace, _signature],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("algorithm", ["ES256", "HMAC-SHA256"])
def test_an_altered_record_fails(algorithm: str, alter: Callable[[LogRecord], None]) -> None:
    one = producer()
    record = signed(login(), algorithm, SECRET if algorithm == "HMAC-SHA256" else one.key)
    alter(record)
    found = check(record, algorithm, one.fingerprint, trust(one.pem, secrets=(SECRET,)))
    assert (found.result, found.reason, found.form) == (Result.FAILED, "the signature does not match the record", "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", [AnyValue(), AnyValue(int_value=1), AnyValue(kvlist_value=KeyValueList())])
def test_a_body_cannot_be_added_to_a_record_that_was_signed_without(form: str, body: AnyValue) -> None:
    one = producer()
    record = login()
    record.ClearField("body")
    record = signed(record, "ES256", one.key, form)
    assert check(record, "ES256", one.fingerprint, trust(one.pem)).result is Result.VERIFIED
    record.body.CopyFrom(body)
    is_same = body.WhichOneof("value") is None  # an empty body means the same as none
    found = check(record, "ES256", one.fingerprint, trust(one.pem))
    assert found.result is (Result.VERIFIED if is_same else Result.FAILED)


def test_what_the_signature_does_not_cover_may_change() -> None:
    one = producer()
    record = signed(login(), "ES256", one.key)
    record.severity_text, record.flags = "INFO", 1
    record.attributes.append(mark("signer", "collector"))
    assert check(record, "ES256", one.fingerprint, trust(one.pem)).result is Result.VERIFIED


def test_a_signature_of_another_key_fails() -> None:
    record = signed(login(), "ES256", private_key("ES256", 1))
    one = producer()
    assert check(record, "ES256", one.fingerprint, trust(one.pem)).result is Result.FAILED


def test_a_signature_as_rfc_7518_writes_it_is_verified() -> None:
    one = producer()
    r, s = decode_dss_signature(sign(canonical_json(login()), "ES256", one.key))
    record = login()
    record.attributes.append(mark("value", b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()))
    assert check(record, "ES256", one.fingerprint, trust(one.pem)).result is Result.VERIFIED


def test_the_attributes_of_the_record_count_before_those_of_the_resource() -> None:
    one = producer()
    record = signed(login(), "ES256", one.key)
    record.attributes.extend(shared("ES256", one.fingerprint))
    assert check_record(record, marks_of(shared("RS256", "sha256:00")), trust(one.pem), NOW).result is Result.VERIFIED


def test_the_default_algorithm_is_rs256() -> None:
    one = producer("RS256")
    record = signed(login(), "RS256", one.key)
    assert (
        check_record(record, marks_of([mark("certificate", one.fingerprint)]), trust(one.pem), NOW).algorithm == "RS256"
    )


@pytest.mark.parametrize(
    ("algorithm", "value", "reason"),
    [
        ("none", "AAAA", "the algorithm is not supported"),
        ("HS256", "AAAA", "the algorithm is not supported"),
        ("ES256", "not base64!", "the signature is not base64, or too long"),
        ("ES256", "A" * 4096, "the signature is not base64, or too long"),
        ("ES256", "AAAA", "the signature does not match the record"),
        ("ES256", "", "the signature does not match the record"),
        ("RS256", "AAAA", "the key is not one of the algorithm"),
    ],
)
def test_a_signature_that_cannot_be_valid_fails(algorithm: str, value: str, reason: str) -> None:
    one = producer()
    record = login()
    record.attributes.append(mark("value", value))
    found = check(record, algorithm, one.fingerprint, trust(one.pem))
    assert (found.result, found.reason) == (Result.FAILED, reason)


def test_a_public_key_is_no_secret_of_hmac() -> None:
    one = producer()
    record = signed(login(), "HMAC-SHA256", one.public_pem.encode())
    found = check(record, "HMAC-SHA256", one.fingerprint, trust(one.public_pem, one.pem))
    assert (found.result, found.reason) == (Result.UNTRUSTED, "there is no HMAC secret to check it with")


def test_a_signature_that_is_not_a_string_fails() -> None:
    record = login()
    record.attributes.add(key="audit.integrity.value").value.int_value = 1
    assert check(record, "ES256", "", trust()).result is Result.FAILED


def test_a_record_without_canonical_json_fails() -> None:
    one = producer()
    record = signed(login(), "ES256", one.key)
    record.attributes.add(key="n").value.double_value = float("nan")
    found = check(record, "ES256", one.fingerprint, trust(one.pem))
    assert (found.result, found.reason) == (
        Result.FAILED,
        "a number is NaN or infinite, which JSON cannot represent",
    )


def test_a_record_without_a_signature_is_unsigned_whatever_its_resource_says() -> None:
    assert check(login(), "ES256", "sha256:00", trust()).result is Result.UNSIGNED


def test_a_public_key_is_trusted_by_its_own_fingerprint_or_alone() -> None:
    one = producer("EdDSA")
    record = signed(login(), "EdDSA", one.key)
    keys = parse_producer_keys([("key.pem", one.public_pem)])
    (fingerprint,) = keys.public
    for reference in (fingerprint, f"sha256:{fingerprint[7:].upper()}", ""):
        found = check(record, "EdDSA", reference, Trust(keys))
        assert (found.result, found.key) == (Result.VERIFIED, fingerprint)


def test_a_record_that_names_no_key_is_untrusted_if_several_could_be_meant() -> None:
    one, other = producer("EdDSA"), producer("EdDSA", number=1)
    found = check(signed(login(), "EdDSA", one.key), "EdDSA", "", trust(one.pem, other.pem))
    assert (found.result, found.reason) == (Result.UNTRUSTED, "the record does not say whose signature it is")


def test_an_unknown_fingerprint_is_untrusted() -> None:
    one = producer()
    found = check(signed(login(), "ES256", one.key), "ES256", one.fingerprint, Trust(ProducerKeys()))
    assert (found.result, found.form) == (Result.UNTRUSTED, "")


def test_a_certificate_that_nobody_vouches_for_is_untrusted_if_its_signature_is_valid_and_failed_if_not() -> None:
    one = producer()
    record = signed(login(), "ES256", one.key)
    found = check(record, "ES256", one.full, trust())
    assert found == Verdict(Result.UNTRUSTED, "no trusted CA issued the certificate", one.fingerprint, "ES256", FORM)
    record.body.string_value = "altered"
    assert check(record, "ES256", one.full, trust()).result is Result.FAILED


@pytest.mark.parametrize(
    ("time", "result"),
    [
        (NOW, Result.VERIFIED),
        (NOW - DAY, Result.VERIFIED),
        (NOW - DAY - 1, Result.UNTRUSTED),
        (NOW + DAY - 1, Result.VERIFIED),
        (NOW + DAY, Result.UNTRUSTED),
    ],
)
def test_a_certificate_must_be_valid_at_the_time_of_the_record(time: int, result: Result) -> None:
    one = producer()
    found = check(signed(login(time=time), "ES256", one.key), "ES256", one.fingerprint, trust(one.pem))
    assert found.result is result
    assert bool(found.reason) is (result is Result.UNTRUSTED)


def test_a_record_without_a_time_counts_as_of_its_receipt() -> None:
    one = producer()
    record = signed(login(time=0), "ES256", one.key)
    for received, result in ((NOW, Result.VERIFIED), (NOW + 2 * DAY, Result.UNTRUSTED)):
        assert check_record(record, marks_of(shared("ES256", one.full)), trust(one.pem), received).result is result


def test_an_annotation_has_the_result_first_and_nothing_empty() -> None:
    found = Verdict(Result.UNTRUSTED, "why", algorithm="ES256").annotation(3)
    assert found == (3, b'"producer":{"result":"untrusted","reason":"why","algorithm":"ES256"}')


def test_signatures_of_untrusted_keys_are_verified_until_the_allowance_is_used_up() -> None:
    mine, other = producer(), producer(number=1)
    trusted, efforts = trust(mine.pem), Efforts(untrusted=Allowance(1))
    unknown, known = signed(login(), "ES256", other.key), signed(login(), "ES256", mine.key)

    def results() -> list[tuple[Result, str]]:
        records = [(known, mine), (unknown, other)]
        found = [
            check_record(record, marks_of(shared("ES256", one.full)), trusted, NOW, efforts=efforts)
            for record, one in records
        ]
        return [(one.result, one.form) for one in found]

    trusted.signer(other.full, "ES256", Allowance(1))
    assert results() == [(Result.VERIFIED, FORM), (Result.UNTRUSTED, FORM)]
    assert results() == [(Result.VERIFIED, FORM), (Result.UNTRUSTED, "")]


@pytest.mark.parametrize(("algorithm", "secret"), [("ES256", None), ("HMAC-SHA256", SECRET)])
def test_signatures_that_do_not_match_are_verified_until_the_allowance_is_used_up(
    algorithm: str, secret: bytes | None
) -> None:
    one = producer()
    trusted, efforts = trust(one.pem, secrets=(SECRET,)), Efforts(failed=Allowance(1))
    valid = signed(login(), algorithm, secret or one.key)
    altered = signed(login(), algorithm, secret or one.key)
    altered.event_name = "altered"
    marks = marks_of(shared(algorithm, one.fingerprint))
    found = [check_record(each, marks, trusted, NOW, efforts=efforts) for each in (valid, altered, valid)]
    assert [(each.result, each.reason) for each in found] == [
        (Result.VERIFIED, ""),
        (Result.FAILED, "the signature does not match the record"),
        (Result.FAILED, "the signature was not checked: too many signatures of the request do not match"),
    ]


def test_larger_keys_and_payloads_take_more_effort() -> None:
    keys = [producer("RS256").key, producer("ES256").key, producer("EdDSA").key]
    assert all(verification_effort(key.public_key(), b"x" * 10**6) > 1000 for key in keys)
    strong = ec.generate_private_key(ec.SECP521R1()).public_key()
    assert verification_effort(strong, b"") > 5 * verification_effort(producer("RS256").key.public_key(), b"")
