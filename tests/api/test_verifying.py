"""Verification as a caller of the API asks for it: with keys, marks and streams of their own."""

from __future__ import annotations

from typing import Any

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys, fingerprint
from tests.api.store import Writer, log_record


def test_whoever_verifies_with_a_key_of_their_own_is_told_that_it_is_compromised(writer: Writer) -> None:
    writer.write([log_record("a")])
    key = writer.signer.public_pem().decode()
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    backend = Backend(writer.engine, writer.keys + TrustedKeys(compromised={name: 0}))
    request = pb.VerifyRequest(public_keys=[key])
    request.compromised_keys[name].FromSeconds(1 << 30)  # a later time makes it no better
    kinds = [step.finding.kind for step in backend.verify(request) if step.HasField("finding")]
    assert kinds == 2 * [pb.SIGNED_BY_COMPROMISED_KEY]  # its statement, and its batch


def test_a_mark_that_can_change_nothing_is_refused(writer: Writer) -> None:
    writer.write([log_record("a")])
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    never = "1" * 16
    for own in (
        writer.keys,
        writer.keys + TrustedKeys(compromised={never: 1}),
    ):  # the operator's own mark is no mistake
        backend = Backend(writer.engine, own)
        assert [step for step in backend.verify(pb.VerifyRequest()) if step.HasField("finding")] == []
        request = pb.VerifyRequest()
        request.compromised_keys[never].FromSeconds(1)
        with pytest.raises(InvalidArgumentError, match=f"no log has a signature of the key '{never}'.*known: {name}"):
            backend.verify(request)
    request = pb.VerifyRequest()
    request.compromised_keys[name].FromSeconds(1 << 32)
    with pytest.raises(InvalidArgumentError, match=f"the key '{name}' .* since a time in the future"):
        Backend(writer.engine, writer.keys).verify(request)


def test_who_verifies_names_the_streams_that_are_not_signed_beside_those_of_the_server(writer: Writer) -> None:
    writer.write([log_record("a")])
    writer.engine.execute("INSERT INTO otel_logs (Timestamp, Body) VALUES (now64(9), 'in no log')")

    def outcome(own: TrustedKeys, **request: Any) -> tuple[list[pb.FindingKind], list[str]]:
        steps = list(Backend(writer.engine, own).verify(pb.VerifyRequest(**request)))
        kinds = [step.finding.kind for step in steps if step.HasField("finding")]
        return kinds, list(steps[-1].summary.unsigned_streams)

    key = writer.signer.public_pem().decode()
    knows = writer.keys + TrustedKeys(unsigned_streams=frozenset({Stream.OPERATIONAL}))
    assert outcome(writer.keys) == ([pb.RECORDS_UNSIGNED], [])
    assert outcome(writer.keys, unsigned_streams=["operational"]) == ([], ["operational"])
    assert outcome(knows) == ([], ["operational"])
    assert outcome(knows, public_keys=[key], unsigned_streams=["spans"]) == ([], ["operational", "spans"])
    for name, told in (("audit", "audit records are always signed"), ("logs", "'logs' is not operational or spans")):
        with pytest.raises(InvalidArgumentError, match=told):
            outcome(writer.keys, unsigned_streams=[name])
