"""A copy of a commitment, which a sender has written into his own record, opens nothing and does no harm."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lognotary.v1 import disclosures_pb2, evidence_pb2
from server import check
from server.api.backend import Backend
from server.api.disclosed_values import disclosed_values
from server.api.disclosures import Disclosures
from server.api.errors import ConflictError
from server.codec.audit.built_in import built_in_rules
from server.codec.redaction_rules import Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.commands.disclosing import chosen, disclosed, opened_values
from server.notary.bundle import build_bundle, readable_record
from server.notary.disclosure import Commitment, OpenedValue, find_commitments
from server.notary.origin import Stream
from storage.disclosures import DisclosedValue, insert_disclosures, matching_commitments
from storage.hold_scope import HoldScope
from storage.holds import add_hold
from tests.api.store import LOGS, START, Writer, audit_event, log_record
from tests.checked_bundles import failed

HERE = "127.0.0.1"
AUDIT = LOGS[Stream.AUDIT].origin
CODEC = ReferenceCodec(built_in_rules(), redaction=Redaction(Mode.DISCLOSE, keys=("user email",)))
BYTES = b"user_email=own@x "


def send(writer: Writer, *records: LogRecord) -> None:
    """Commit a request, and the values of its commitments."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add(log_records=records)
    rows = CODEC.encode(request.SerializeToString(), START)
    found = [DisclosedValue(START, d.salt, d.value, d.rule, d.actors) for each in rows for d in each.disclosures]
    insert_disclosures(writer.engine, found)
    writer.commit(rows)


def prove(writer: Writer, leaf: int) -> tuple[list[Commitment], list[OpenedValue], check.Report]:
    """Return the commitments in an audit record, those that can be opened, and the check of the bundle with them."""
    request = evidence_pb2.GetInclusionProofRequest(log=AUDIT, leaf_index=leaf, include_record=True)
    proof = Backend(writer.engine, writer.keys).get_inclusion_proof(request)
    commitments = find_commitments(readable_record(proof.record, AUDIT, leaf))
    wanted = chosen(commitments, ["all"] if not all(each.is_senders for each in commitments) else [])
    opened = opened_values(wanted, disclosed(lambda asked: disclosed_values(writer.engine, asked), wanted))
    files = build_bundle(
        record=proof.record,
        origin=AUDIT,
        leaf_index=leaf,
        path=proof.path,
        checkpoint=proof.checkpoint,
        verifier_keys=[],
        opened=opened,
    )
    return commitments, opened, check.check(files, [check.parse_key(str(writer.signer.verifier_key(AUDIT)))])


def record_of_alice(writer: Writer) -> tuple[str, OpenedValue]:
    """Send a record of alice's with a value; return its mark, and the value."""
    send(writer, audit_event("login", actor="alice", user_email="alice@example.com"))
    [commitment], [opened], report = prove(writer, 0)
    assert failed(report) == {}
    return f"[redacted:{commitment.rule}:sha256:{commitment.digest}]", opened


def test_a_copy_opens_nothing_whatever_else_the_server_replaces_in_the_record(writer: Writer) -> None:
    mark, alices = record_of_alice(writer)
    forged = [audit_event("login", actor=f"mallory-{number}", x=mark) for number in range(4)]
    forged[0].attributes.add(key="blob").value.bytes_value = BYTES
    forged[1].body.bytes_value = BYTES
    nested = forged[2].attributes.add(key="n").value.kvlist_value.values.add(key="z")
    nested.value.bytes_value = BYTES
    forged[3].attributes.add(key="user.email").value.string_value = "own@x"
    for each in forged:
        send(writer, each)
    for leaf in range(1, 5):
        commitments, opened, report = prove(writer, leaf)
        assert {each.digest for each in commitments if each.is_senders} == {alices.digest}
        assert [each.value for each in opened] == [b"own@x"]
        assert failed(report) == {}
        assert report.proved is not None
        assert list(report.proved["Disclosed"].values()) == ["own@x"]
        assert any("its sender wrote 1 text like a commitment" in step.says for step in report.steps)


def test_a_copy_in_an_event_opens_nothing_whatever_the_other_events_have(writer: Writer) -> None:
    mark, alices = record_of_alice(writer)
    event = {"audit.action": "a", "audit.actor.id": "mallory", "audit.outcome": "success"}
    events = [*({**event, "user email": f"a{number}@x"} for number in range(3)), {**event, "note": mark}]
    send(writer, log_record(json.dumps(events)))
    for leaf, value in ((1, [b"a0@x"]), (2, [b"a1@x"]), (3, [b"a2@x"]), (4, [])):
        commitments, opened, report = prove(writer, leaf)
        assert [each.value for each in opened] == value
        assert failed(report) == {}
        assert [each.digest for each in commitments if each.is_senders] == ([] if value else [alices.digest])


def test_a_hold_keeps_a_value_in_bytes_but_not_one_of_which_a_covered_record_has_a_copy(writer: Writer) -> None:
    mark, _ = record_of_alice(writer)
    record = audit_event("login", actor="dora", x=mark)
    record.body.bytes_value = BYTES
    send(writer, record)
    add_hold(writer.engine, "case-1", HoldScope(actor="dora"), "a lawsuit", "eve", HERE)
    erasing = Disclosures(writer.engine, lambda _: None, "local")
    with pytest.raises(ConflictError, match="case-1"):
        erasing.erase(disclosures_pb2.EraseRequest(value="own@x", reason="r"), HERE)
    assert erasing.erase(disclosures_pb2.EraseRequest(value="alice@example.com", reason="r"), HERE).erased == 1


def test_values_of_other_events_of_a_list_stay_if_an_actor_is_erased(writer: Writer) -> None:
    event = {"audit.action": "a", "audit.outcome": "success"}
    events = [{**event, "audit.actor.id": name, "user email": f"{name}@x"} for name in ("alice", "bob")]
    send(writer, log_record(json.dumps(events)))
    erasing = Disclosures(writer.engine, lambda _: None, "local")
    assert erasing.erase(disclosures_pb2.EraseRequest(actor="bob", reason="r"), HERE).erased == 1
    assert matching_commitments(writer.engine, value="bob@x") == []
    assert len(matching_commitments(writer.engine, value="alice@x")) == 1
