"""Audit records of erasures."""

from __future__ import annotations

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.audit.strict_records import check_request
from server.codec.decode import decode
from server.own_records.administration import PolicyChange, change_record
from server.own_records.erasures import EVENT_NAME, Erasure, erasure_record
from server.own_records.sender import own_request

NOW = 1_800_000_000 * 10**9


@pytest.mark.parametrize(
    ("is_done", "outcome", "says"), [(True, b"success", b"are erased"), (False, b"unknown", b"are about to be erased")]
)
def test_an_erasure_is_an_audit_record_by_the_built_in_rules(*, is_done: bool, outcome: bytes, says: bytes) -> None:
    made = erasure_record(Erasure(2, "actor", "request 4711", "eve", "127.0.0.1", is_done), NOW)
    records = decode(own_request("lognotary.disclosures", [made]).SerializeToString())
    (fields,) = classify(records, built_in_rules())
    assert fields is not None
    assert (fields.actor_id, fields.actor_type, fields.action) == (b"eve", b"user", b"disclosure.erase")
    assert (fields.target_type, fields.category, fields.outcome) == (b"disclosure", b"admin", outcome)
    assert fields.source_id == b"127.0.0.1"
    assert records.event_name == [EVENT_NAME.encode()]
    assert b"2 disclosed values, chosen by actor, %b: request 4711" % says in records.body[0]


def test_erasures_and_changes_of_policy_have_all_that_a_strict_server_asks_for() -> None:
    change = PolicyChange("hold.release", "case-1", "hold", "", "192.0.2.1", "legal hold case-1 released")
    made = [
        erasure_record(Erasure(1, "value", "request 4711", "", "192.0.2.1"), NOW),
        erasure_record(Erasure(1, "value", "request 4711", "", ""), NOW),
        change_record(change, NOW),
    ]
    request = own_request("lognotary.disclosures", made).SerializeToString()
    assert len(check_request(request, every=True).records) == len(made)
