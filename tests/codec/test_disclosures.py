"""Redaction with commitments."""

from __future__ import annotations

from collections import Counter
from functools import partial
from hashlib import sha256

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.disclosures import Disclosure
from server.codec.native_codec import NativeCodec
from server.codec.redaction import Redactor
from server.codec.redaction_rules import Mode, Redaction
from server.codec.reference import ReferenceCodec
from tests.codec.parity import NOW

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
