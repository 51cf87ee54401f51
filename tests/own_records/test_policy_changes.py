from __future__ import annotations

import asyncio

import pytest

from server.access.callers import Caller, CallerKind
from server.access.current import calling
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.decode import decode
from server.notary.origin import Stream
from server.own_records.administration import PolicyChange, change_record
from server.own_records.retention_changes import keep_recording, record_retention
from server.own_records.sender import NotRecordedError, own_request
from server.process.pools import Pool
from storage.engine import Engine
from storage.hold_records import POLICY_CHANGE
from storage.policies import DISCLOSURES, note_earlier_policies, read_recorded_policies
from storage.retention_policy import Policy, RetentionRule

AUDIT, OPERATIONAL, SPANS = Stream
ADDED = PolicyChange("hold.add", "case-1", "hold", "eve", "127.0.0.1", "legal hold case-1 added", "a lawsuit")
SHORT = Policy(400, (RetentionRule(30, category="data"),))


def test_a_change_of_policy_is_an_audit_record_by_the_built_in_rules() -> None:
    request = own_request("lognotary.administration", [change_record(ADDED, 1_800_000_000 * 10**9)])
    records = decode(request.SerializeToString())
    (fields,) = classify(records, built_in_rules())
    assert fields is not None
    assert (fields.actor_id, fields.action, fields.target_id) == (b"eve", b"hold.add", b"case-1")
    assert (fields.target_type, fields.category, fields.outcome) == (b"hold", b"admin", b"success")
    assert fields.source_id == b"127.0.0.1"
    assert records.event_name == [POLICY_CHANGE.encode()]
    assert b"legal hold case-1 added: a lawsuit" in records.body[0]


def test_an_unnamed_actor_is_the_address_of_the_caller_and_without_one_the_server() -> None:
    for caller, actor, kind in (("192.0.2.1", "192.0.2.1", "user"), ("", "lognotary", "service")):
        record = change_record(PolicyChange("retention.change", "audit", "stream", "", caller, "changed"), 1)
        said = {pair.key: pair.value.string_value for pair in record.attributes}
        assert (said["audit.actor.id"], said["audit.actor.type"]) == (actor, kind)
        assert record.body.string_value == "changed"


def test_the_actor_is_the_caller_whom_the_server_knows_and_not_whom_the_caller_claims_to_be() -> None:
    def attributes(caller: Caller) -> dict[str, str]:
        with calling(caller):
            record = change_record(ADDED, 0)
        return {pair.key: pair.value.string_value for pair in record.attributes}

    known = attributes(Caller("alice", CallerKind.OIDC, (), "192.0.2.7"))
    assert (known["audit.actor.id"], known["audit.actor.type"], known["audit.source.id"]) == (
        "alice",
        "user",
        "192.0.2.7",
    )
    assert (known["lognotary.actor.kind"], known["lognotary.actor.claimed"]) == ("oidc", "eve")
    assert attributes(Caller("deploy", CallerKind.TOKEN))["audit.actor.type"] == "service"
    local = attributes(Caller("local", CallerKind.LOCAL, (), "127.0.0.1"))
    assert (local["audit.actor.id"], "lognotary.actor.kind" in local) == ("eve", False)


def test_the_first_retention_is_no_change_and_each_later_one_is_recorded_once(engine: Engine) -> None:
    changes: list[PolicyChange] = []
    for policy in (Policy(400), Policy(400), SHORT, SHORT, Policy(None)):
        record_retention(engine, {"audit": policy}, changes.append, "node-1")
    assert [change.details["lognotary.retention.after"] for change in changes] == [SHORT.text(), Policy(None).text()]
    assert {change.details["lognotary.writer"] for change in changes} == {"node-1"}
    assert changes[0].what == (
        "retention of the stream audit changed from 400 days to category data: 30 days; all others: 400 days"
    )


def test_changes_of_the_cold_volume_and_of_disclosed_values_are_recorded(engine: Engine) -> None:
    changes: list[PolicyChange] = []
    cold = Policy(400, (), "cold", 90)
    for audit, disclosures in ((Policy(400), None), (cold, None), (cold, 1), (Policy(400, (), "cold", 91), 1)):
        policies = {"audit": audit, DISCLOSURES: Policy(disclosures)}
        record_retention(engine, policies, changes.append, "node-1")
        assert read_recorded_policies(engine) == policies
    assert [(change.target, change.target_type, change.what) for change in changes] == [
        (
            "audit",
            "stream",
            "retention of the stream audit changed from 400 days to 400 days, after 90 days on the volume cold",
        ),
        ("disclosures", "table", "retention of disclosed values changed from forever to 1 day"),
        (
            "audit",
            "stream",
            "retention of the stream audit changed from 400 days, after 90 days on the volume cold to 400 days, after "
            "91 days on the volume cold",
        ),
    ]


def test_a_change_that_could_not_be_recorded_is_recorded_later(engine: Engine) -> None:
    def refuse(_: PolicyChange) -> None:
        raise NotRecordedError("UNAVAILABLE: overloaded")

    changes: list[PolicyChange] = []
    record_retention(engine, {"audit": Policy(400)}, refuse, "node-1")
    with pytest.raises(NotRecordedError):
        record_retention(engine, {"audit": SHORT}, refuse, "node-1")
    assert read_recorded_policies(engine) == {"audit": Policy(400)}
    record_retention(engine, {"audit": SHORT}, changes.append, "node-1")
    assert len(changes) == 1


def test_the_retention_of_an_earlier_version_counts_as_recorded(engine: Engine) -> None:
    for _ in range(2):
        note_earlier_policies(engine, {AUDIT: 400, OPERATIONAL: None, SPANS: None})
    assert read_recorded_policies(engine) == {"audit": Policy(400)}
    note_earlier_policies(engine, {AUDIT: 5, OPERATIONAL: 30, SPANS: None})
    assert read_recorded_policies(engine) == {"audit": Policy(400), "operational": Policy(30)}


async def test_recording_is_repeated_until_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.own_records.retention_changes._AGAIN", 0.0)
    attempts = 0

    def record() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise NotRecordedError("UNAVAILABLE: overloaded")

    await asyncio.wait_for(keep_recording(Pool("housekeeping", 1), record), 60)
    assert attempts == 3
