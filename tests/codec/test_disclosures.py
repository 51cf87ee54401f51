"""Redaction with commitments."""

from __future__ import annotations

from collections import Counter
from functools import partial
from hashlib import sha256

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.disclosures import Disclosure
from server.codec.limits import RowLimits
from server.codec.native_codec import NativeCodec
from server.codec.redaction import Redactor
from server.codec.redaction_rules import Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError, OversizedError
from tests.codec.parity import NOW, Parity

DISCLOSE = Redaction(Mode.DISCLOSE, keys=("actor id",))


def request(body: str, **attributes: str) -> bytes:
    made = ExportLogsServiceRequest()
    record = made.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = body
    for key, text in attributes.items():
        record.attributes.add(key=key.replace("_", ".")).value.string_value = text
    return made.SerializeToString()


def disclosures(*requests: bytes) -> list[Disclosure]:
    """Return the disclosures of requests; both codecs make the same."""
    made: list[Disclosure] = []
    for number, one in enumerate(requests):
        seeds = partial(bytes, [number] * 32)
        codecs = [kind(built_in_rules(), redaction=DISCLOSE, seeds=seeds) for kind in (ReferenceCodec, NativeCodec)]
        reference, native = ([each for rows in codec.encode(one, NOW) for each in rows.disclosures] for codec in codecs)
        assert native == reference
        made += native
    return made


def test_a_commitment_is_the_hash_of_a_salt_and_the_value() -> None:
    redactor = Redactor(DISCLOSE).anew(lambda: b"s" * 32)
    text = redactor.redacted(b"password=hunter2 x", Counter())
    digest = sha256(b"s" * 32 + b"hunter2").hexdigest()
    assert text == b"password=[redacted:key.password:sha256:%b] x" % digest.encode()
    assert redactor.disclosures == [Disclosure("key.password", b"s" * 32, b"hunter2")]


def test_equal_values_have_salts_of_their_own() -> None:
    made = disclosures(request("password=a1 password=a1"), request("password=a1"))
    assert [each.value for each in made] == [b"a1"] * 3
    assert len({each.commitment for each in made}) == len({each.salt for each in made}) == 3


def test_a_commitment_is_not_redacted_again() -> None:
    (first,) = disclosures(request("password=a1"))
    assert disclosures(request(f"password=[redacted:key.password:sha256:{first.commitment}]")) == []


def test_disclosures_have_the_actors_of_their_records_in_the_clear() -> None:
    made = disclosures(
        request("password=a1", audit_actor_id="alice", audit_action="login"), request("password=b1", k="token=c1")
    )
    assert [(each.value, each.actors) for each in made] == [
        (b"a1", (b"alice",)),
        (b"alice", (b"alice",)),
        (b"b1", ()),
        (b"c1", ()),
    ]


def test_a_request_with_too_many_values_to_disclose_is_refused_alike_by_both_codecs() -> None:
    limited = Parity(Signal.LOGS, limits=RowLimits(disclosed=3), redaction=DISCLOSE)
    assert isinstance(limited.assert_same(request("password=a1 password=b1 password=c1")), list)
    refused = (OversizedError, "the request has more than 3 secrets that are to be disclosed: send smaller requests")
    assert limited.assert_same(request("password=a1 " * 4)) == refused
    assert limited.assert_same(request("password=a1 " * 2, a="password=t1", b="password=x1")) == refused
    assert limited.assert_same(request("password=a1")) != refused


def test_the_values_of_spans_are_limited_too() -> None:
    limited = Parity(Signal.TRACES, limits=RowLimits(disclosed=1), redaction=DISCLOSE)
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add(name="x")
    span.attributes.add(key="password").value.string_value = "a1"
    assert isinstance(limited.assert_same(made.SerializeToString()), list)
    span.status.message = "password=a1"
    outcome = limited.assert_same(made.SerializeToString())
    assert isinstance(outcome, tuple)
    assert outcome[0] is OversizedError


def test_a_request_that_is_malformed_too_is_refused_as_such() -> None:
    limited = Parity(Signal.LOGS, limits=RowLimits(records=1, disclosed=1), redaction=DISCLOSE)
    several = request("password=a1 password=b1") * 2
    outcome = limited.assert_same(several)
    assert isinstance(outcome, tuple)
    assert outcome[0] is MalformedRequestError
    assert limited.assert_same(request("password=a1 password=b1") + b"\xff")[0] is MalformedRequestError


def test_the_memory_of_disclosures_and_their_actors_is_counted() -> None:
    codec = NativeCodec(built_in_rules(), redaction=DISCLOSE)

    def size(values: int, actor: str) -> int:
        body = " ".join(f"password={number}a" for number in range(values))
        rows = codec.encode(request(body, audit_actor_id=actor, audit_action="login"), NOW)
        return sum(each.size for each in rows)

    assert size(20, "alice") - size(10, "alice") > 10 * 600
    assert size(20, "a" * 10_000) > 20 * 10_000
