"""Requests are checked by the policy about producers' signatures."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.choose import build_search
from server.codec.limits import MAX_MEMBERS
from server.codec.producers.check import SignatureCheck
from server.codec.producers.keys import parse_producer_keys
from server.codec.producers.native_records import native_finder
from server.codec.producers.policy import Policy, ProducerKeys
from server.codec.reference import ReferenceCodec
from server.errors.ingest import MalformedRequestError, UnprovedRecordError

from .signing import NOW, SECRET, attribute, login, mark, producer, request_of, shared, signed

ONE = producer()
KEYS = parse_producer_keys([("one.pem", ONE.pem)])
RESOURCE = shared("ES256", ONE.fingerprint)


def nested(outer: str, inner: str, value: str) -> KeyValue:
    return KeyValue(key=outer, value=AnyValue(kvlist_value=KeyValueList(values=[attribute(inner, value)])))


class Checking:
    """A check that keeps what it counted."""

    def __init__(self, policy: Policy, keys: ProducerKeys = KEYS) -> None:
        self.counted: list[dict[str, int]] = []
        self.check = SignatureCheck(policy, keys, self._count, native_finder("auto"), build_search("auto"))

    def _count(self, results: Mapping[str, int]) -> None:
        self.counted.append(dict(results))

    def results(self, request: bytes) -> dict[int, str]:
        """Return the result of each annotated record."""
        found = {}
        for number, members in self.check.examine(request, NOW):
            found[number] = json.loads(b"{" + members + b"}")["producer"]["result"]
        return found


def test_each_signed_record_of_a_request_is_annotated_and_all_are_counted() -> None:
    altered = signed(login("u2"), "ES256", ONE.key)
    altered.body.string_value = "altered"
    request = request_of(signed(login(), "ES256", ONE.key), LogRecord(), altered, resource=RESOURCE)
    checking = Checking(Policy.ANNOTATE)
    assert checking.results(request) == {0: "verified", 2: "failed"}
    assert checking.counted == [{"verified": 1, "unsigned": 1, "failed": 1}]


def test_records_are_numbered_through_resources_and_scopes() -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    resource_logs = request.resource_logs.add()
    resource_logs.scope_logs.add().log_records.add()
    resource_logs.scope_logs.add().log_records.append(signed(login(), "ES256", ONE.key))
    resource_logs.resource.attributes.extend(RESOURCE)
    assert Checking(Policy.ANNOTATE).results(request.SerializeToString()) == {2: "verified"}


def test_a_request_without_signatures_is_not_looked_into() -> None:
    checking = Checking(Policy.ANNOTATE)
    assert checking.results(request_of(login(), resource=[])) == {}
    assert checking.results(b"not a request") == {}
    assert checking.counted == []


def test_a_request_that_cannot_be_decoded_is_refused_as_the_codec_refuses_it() -> None:
    with pytest.raises(MalformedRequestError):
        Checking(Policy.ANNOTATE).check.examine(b"audit.integrity.", NOW)


def test_other_keys_are_trusted_from_the_next_request_on() -> None:
    checking = Checking(Policy.ANNOTATE, ProducerKeys())
    request = request_of(signed(login(), "ES256", ONE.key), resource=RESOURCE)
    assert checking.results(request) == {0: "untrusted"}
    checking.check.use(KEYS)
    assert checking.results(request) == {0: "verified"}


def test_the_same_certificate_of_many_records_is_trusted_in_each() -> None:
    records = [signed(login(f"u{number}"), "ES256", ONE.key) for number in range(5)]
    request = request_of(*records, resource=shared("ES256", ONE.full))
    assert set(Checking(Policy.ANNOTATE).results(request).values()) == {"verified"}


def test_a_request_full_of_signatures_with_an_untrusted_key_takes_bounded_effort() -> None:
    other = producer(number=1)
    checking = Checking(Policy.ANNOTATE)
    request = request_of(*[signed(login(), "ES256", other.key)] * 2000, resource=shared("ES256", other.full))
    annotations = checking.check.examine(request, NOW)
    assert checking.counted == [{"untrusted": 2000}]
    verified = [b'"form"' in members for _, members in annotations]
    assert verified[0]
    assert not verified[-1]


def test_with_require_no_signature_with_an_untrusted_key_is_verified() -> None:
    other = producer(number=1)
    record = LogRecord(attributes=[attribute("order.id", "7")])
    request = request_of(signed(record, "ES256", other.key), resource=shared("ES256", other.full))
    [(_, members)] = Checking(Policy.REQUIRE).check.examine(request, NOW)
    assert b'"untrusted"' in members
    assert b'"form"' not in members


def test_a_record_that_is_too_large_is_not_parsed() -> None:
    policy = Policy.ANNOTATE
    large = signed(login(), "ES256", ONE.key)
    large.severity_text = "x" * (5 << 19)
    assert Checking(policy).results(request_of(large, login("u2"), resource=RESOURCE)) == {0: "failed"}
    with pytest.raises(UnprovedRecordError, match="larger than 2 MiB"):
        Checking(Policy.REQUIRE).results(request_of(large, resource=RESOURCE))
    resource = [*RESOURCE, attribute("k", "x" * (5 << 19))]
    assert Checking(policy).results(request_of(signed(login(), "ES256", ONE.key), resource=resource)) == {0: "failed"}


def test_a_list_of_attributes_that_is_too_long_is_refused_as_the_codec_refuses_it() -> None:
    record = LogRecord(attributes=[mark("value", "AAAA"), *[attribute("k", "")] * MAX_MEMBERS])
    with pytest.raises(MalformedRequestError, match="more than 65536 attributes"):
        Checking(Policy.ANNOTATE).results(request_of(record, resource=[]))


def test_a_text_that_is_not_utf_8_is_refused_as_the_codec_refuses_it() -> None:
    valid = request_of(signed(login(), "ES256", ONE.key), resource=RESOURCE)
    request = valid.replace(b"user.login", b"user.log\xff\xff")
    with pytest.raises(MalformedRequestError) as expected:
        ReferenceCodec(()).encode(request, NOW)
    with pytest.raises(MalformedRequestError) as raised:
        Checking(Policy.ANNOTATE).results(request)
    assert str(raised.value) == str(expected.value)


def test_with_require_a_request_whose_audit_records_are_verified_is_taken() -> None:
    other = LogRecord(attributes=[attribute("order.id", "7")])
    request = request_of(signed(login(), "ES256", ONE.key), other, resource=RESOURCE)
    assert Checking(Policy.REQUIRE).results(request) == {0: "verified"}


def test_with_require_other_records_need_no_signature() -> None:
    record = LogRecord(attributes=[attribute("order.id", "7")])
    assert Checking(Policy.REQUIRE).results(request_of(record, resource=[])) == {}


def _altered() -> LogRecord:
    record = signed(login(), "ES256", ONE.key)
    record.event_name = "altered"
    return record


@pytest.mark.parametrize(
    ("record", "reference", "reason"),
    [
        (login(), ONE.fingerprint, "it is not signed: audit.integrity.value is missing"),
        (_altered(), ONE.fingerprint, "its signature is failed: the signature does not match the record"),
        (
            signed(login(), "ES256", producer(number=1).key),
            producer(number=1).full,
            "its signature is untrusted: no trusted CA issued the certificate",
        ),
        (
            signed(login(time=1), "ES256", ONE.key),
            ONE.fingerprint,
            "its signature is untrusted: the certificate was not valid yet at the record's time",
        ),
    ],
    ids=["unsigned", "altered", "of an unknown producer", "before the certificate"],  # not of keys: those differ
)
def test_with_require_an_audit_record_that_is_not_verified_refuses_its_request(
    record: LogRecord, reference: str, reason: str
) -> None:
    checking = Checking(Policy.REQUIRE)
    before = LogRecord(attributes=[attribute("order.id", "7")])
    with pytest.raises(UnprovedRecordError) as raised:
        checking.check.examine(request_of(before, record, resource=shared("ES256", reference)), NOW)
    assert str(raised.value) == (
        "resourceLogs[0].scopeLogs[0].logRecords[1] (audit.record.id 'id-u1'): an audit record must have a valid "
        f"signature of a trusted producer, but {reason}"
    )
    assert "id-u1" not in raised.value.loggable
    assert len(checking.counted) == 1


@pytest.mark.parametrize("name", ["record.id", "actor.id", "actor.type", "action", "outcome"])
def test_with_require_each_attribute_of_the_audit_signal_makes_an_audit_record(name: str) -> None:
    record = LogRecord(attributes=[attribute(f"audit.{name}", "x")])
    with pytest.raises(UnprovedRecordError):
        Checking(Policy.REQUIRE).check.examine(request_of(record, resource=[]), NOW)


def test_a_sender_cannot_write_an_annotation() -> None:
    signature = mark("value", b64encode(SECRET).decode())
    record = LogRecord(attributes=[attribute("producer", '{"result":"verified"}'), signature])
    assert Checking(Policy.ANNOTATE).results(request_of(record, resource=RESOURCE)) == {0: "failed"}


@pytest.mark.parametrize(
    "record",
    [
        LogRecord(attributes=[attribute("audit.action", "login")]),
        LogRecord(body=AnyValue(string_value='{"audit.record.id":"1","audit.actor.id":"eve"}')),
        LogRecord(body=AnyValue(string_value='{"\\u0061udit.record.id":"1"}')),
        LogRecord(body=AnyValue(string_value='{"audit":{"record":{"id":"1"}}}')),
        LogRecord(body=AnyValue(string_value='[{"audit.record.id":"1"},{"audit.record.id":"2"}]')),
        LogRecord(attributes=[nested("audit", "action", "login")]),
    ],
    ids=["attribute", "body", "escaped", "nested in the body", "list", "nested in attributes"],
)
def test_an_audit_record_must_be_signed_wherever_it_has_the_keys(record: LogRecord) -> None:
    with pytest.raises(UnprovedRecordError, match="it is not signed"):
        Checking(Policy.REQUIRE).results(request_of(record, resource=[]))


def test_a_record_that_speaks_of_audit_records_needs_no_signature() -> None:
    record = LogRecord(body=AnyValue(string_value="audit.record.id=7 audit.action is missing"))
    assert Checking(Policy.REQUIRE).results(request_of(record, resource=[])) == {}
