"""The SQL of policies and holds against their definition in Python, and what ClickHouse removes by them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.waiting import wait_for
from server.notary.audit_words import CATEGORIES
from server.notary.canonical import encode_string
from server.notary.origin import Stream
from storage.create_statement import split
from storage.definitions import compare_definitions, read_definitions
from storage.engine import Engine
from storage.hold_scope import HoldScope
from storage.holds import add_hold, count_held, holds_covering, read_holds, release_hold, scopes_in_force
from storage.policies import note_policy, read_recorded_policies
from storage.removal import RemovalGoesOnError, removal_paused, wait_for_removal
from storage.retention import apply_retention, lacks_hold, read_retention_days, set_retention
from storage.retention_policy import Policy, RetentionRule
from storage.retention_sql import ttl_of
from storage.rowbinary import read_rows, uint64
from storage.schema import RECORD_TABLES
from storage.sql_texts import sql_text
from storage.unreadable_rows import tell_once
from tests.codec.building import PretendedEngine

AUDIT, OPERATIONAL, SPANS = Stream
DAY = 86_400 * 10**9
TODAY = 1_795_824_000 * 10**9  # the beginning of a day
SERVICES = ("a", "it's", "b\\c", "ü")
ATTRIBUTES = (("k", "v"), ("k", "w"), ("it's", "\\"))
ACTORS = ("alice", "bob")
DAYS = st.one_of(st.none(), st.sampled_from([1, 2, 7, 30, 40]))


def maybe(values: Any) -> Any:
    return st.one_of(st.just(""), st.sampled_from(values))


RULES = st.builds(
    RetentionRule, DAYS, maybe(CATEGORIES), maybe(SERVICES), st.one_of(st.none(), st.sampled_from(ATTRIBUTES))
).filter(lambda rule: rule.category or rule.service or rule.attribute)
POLICIES = st.builds(Policy, DAYS, st.lists(RULES, max_size=4).map(tuple))
TIMES = st.one_of(st.none(), st.integers(0, 45).map(lambda days: TODAY - days * DAY))
HOLDS = st.builds(
    HoldScope, maybe(["audit", "spans"]), TIMES, TIMES, maybe(SERVICES), maybe(ACTORS), maybe(["ab"]), maybe(CATEGORIES)
)


def made_records() -> list[dict[str, Any]]:
    chosen = random.Random(1)
    return [
        {
            "LeafIndex": number,
            "IngestedAt": (received := TODAY - chosen.randrange(45 * DAY)),
            "Timestamp": chosen.choice([0, received, received - 10 * DAY]),
            "ServiceName": chosen.choice(SERVICES),
            "TraceId": chosen.choice(["", "ab"]),
            "Category": chosen.choice(CATEGORIES),
            "ActorId": chosen.choice(["", *ACTORS]),
            "ActorName": chosen.choice(["", *ACTORS]),
            "EffectiveActorId": chosen.choice(["", *ACTORS]),
            "LogAttributes": dict(chosen.sample(ATTRIBUTES, k=chosen.randint(0, 1))),
            "ResourceAttributes": dict(chosen.sample(ATTRIBUTES, k=chosen.randint(0, 1))),
        }
        for number in range(200)
    ]


RECORDS = made_records()


def literal(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"map({', '.join(sql_text(text) for pair in value.items() for text in pair)})"
    if isinstance(value, int):
        return str(value) if name == "LeafIndex" else f"fromUnixTimestamp64Nano({value})"
    return sql_text(value)


def insert(engine: Engine, *records: dict[str, Any]) -> None:
    """Insert audit records, those of each day together."""
    for day in sorted({record["IngestedAt"] // DAY for record in records}):
        some = [record for record in records if record["IngestedAt"] // DAY == day]
        values = ", ".join(f"({', '.join(literal(*each) for each in record.items())})" for record in some)
        engine.execute(f"INSERT INTO audit_logs ({', '.join(some[0])}) VALUES {values}")


def leaves(engine: Engine) -> list[int]:
    return [leaf for (leaf,) in read_rows(engine.query("SELECT LeafIndex FROM audit_logs ORDER BY 1"), (uint64,))]


@pytest.fixture(scope="module")
def filled(module_engine: Engine) -> Engine:
    insert(module_engine, *RECORDS)
    return module_engine


def removed_by_sql(engine: Engine, ttl: str) -> set[int]:
    found: set[int] = set()
    for element in split(ttl, ","):
        expires, _, where = element.partition(" DELETE WHERE ")
        rows = engine.query(
            f"SELECT LeafIndex FROM audit_logs WHERE {expires} <= toDateTime({TODAY // 10**9}) AND ({where or 1})"
        )
        found |= {leaf for (leaf,) in read_rows(rows, (uint64,))}
    return found


def days_of(policy: Policy, record: Mapping[str, Any]) -> int | None:
    """Return for how many days an audit record is kept, None for forever: the definition of the policy's SQL."""
    return next((rule.days for rule in policy.rules if rule.matches(AUDIT, record)), policy.days)


def removed_by_definition(policy: Policy, holds: list[HoldScope]) -> set[int]:
    return {
        record["LeafIndex"]
        for record in RECORDS
        if (days := days_of(policy, record)) is not None
        and (record["IngestedAt"] // DAY + days + 1) * DAY <= TODAY
        and not any(hold.covers(AUDIT, record) for hold in holds)
    }


@given(policy=POLICIES, holds=st.lists(HOLDS, max_size=3))
def test_sql_removes_what_the_first_matching_rule_lets_go_and_no_hold_keeps(
    filled: Engine, policy: Policy, holds: list[HoldScope]
) -> None:
    ttl = ttl_of(AUDIT, policy, holds)
    if "toStartOfDay" in ttl or not ttl:
        assert removed_by_sql(filled, ttl) == removed_by_definition(policy, holds)


@given(hold=HOLDS)
def test_a_hold_counts_what_it_covers(filled: Engine, hold: HoldScope) -> None:
    audit = HoldScope("audit", hold.since, hold.until, hold.service, hold.actor, hold.trace, hold.category)
    assert count_held(filled, audit) == sum(audit.covers(AUDIT, record) for record in RECORDS)


def test_clickhouse_removes_what_a_rule_lets_go_and_keeps_the_rest(engine: Engine) -> None:
    now = ClockOf(engine).now
    old = [{**record, "IngestedAt": now - 20 * DAY, "Timestamp": 0} for record in RECORDS[:60]]
    older = [{**record, "IngestedAt": now - 50 * DAY, "Timestamp": 0} for record in RECORDS[60:80]]
    insert(engine, *old, *older)
    policy = Policy(40, (RetentionRule(None, category="admin"), RetentionRule(10, category="data")))
    set_retention(engine, {AUDIT: policy})
    assert read_retention_days(engine) == {AUDIT: 10, OPERATIONAL: None, SPANS: None}
    kept = [record["LeafIndex"] for record in old if record["Category"] != "data"]
    kept += [record["LeafIndex"] for record in older if record["Category"] == "admin"]
    engine.execute("OPTIMIZE TABLE audit_logs FINAL")
    wait_for(lambda: leaves(engine) == sorted(kept))
    assert compare_definitions(read_definitions(engine)) == ()


def test_records_that_fall_due_later_go_without_any_change_of_the_table(engine: Engine) -> None:
    set_retention(engine, {AUDIT: Policy(40, (RetentionRule(10, category="data"),))})
    engine.execute("ALTER TABLE audit_logs MODIFY SETTING merge_with_ttl_timeout = 0")
    now = ClockOf(engine).now
    insert(engine, *({**record, "IngestedAt": now - 20 * DAY} for record in RECORDS[:20]))
    wait_for(lambda: leaves(engine) == [r["LeafIndex"] for r in RECORDS[:20] if r["Category"] != "data"])


@pytest.mark.parametrize("others", [[], [HoldScope(service="a")], [HoldScope("audit"), HoldScope(actor="alice")]])
@pytest.mark.parametrize("policy", [Policy(10), Policy(10, (RetentionRule(30, service="a"),)), Policy(None)])
def test_records_are_taken_and_kept_under_a_hold_of_everything(
    engine: Engine, policy: Policy, others: list[HoldScope]
) -> None:
    set_retention(engine, {AUDIT: policy}, [HoldScope(), *others])
    now = ClockOf(engine).now
    insert(engine, *({**record, "IngestedAt": now - 50 * DAY} for record in RECORDS[:20]))
    engine.execute("OPTIMIZE TABLE audit_logs FINAL")
    assert len(leaves(engine)) == 20
    assert read_retention_days(engine)[AUDIT] == policy.days
    assert compare_definitions(read_definitions(engine)) == ()


@pytest.mark.parametrize(
    "scope",
    [
        HoldScope(),
        HoldScope("audit"),
        HoldScope(service="it's"),
        HoldScope(actor="b\\c", category="auth"),
        HoldScope("spans", since=5, until=7, trace="ab"),
    ],
)
@pytest.mark.parametrize("policy", [Policy(10), Policy(10, (RetentionRule(30, service="a"),)), Policy(None)])
def test_a_hold_that_is_left_out_of_a_table_is_noticed(engine: Engine, policy: Policy, scope: HoldScope) -> None:
    policies = dict.fromkeys(Stream, policy)
    add_hold(engine, "one", HoldScope(actor="alice"), "r", "", "")
    apply_retention(engine, policies)
    assert not lacks_hold(engine)
    add_hold(engine, "two", scope, "r", "", "")
    assert lacks_hold(engine) or policy.days is None
    apply_retention(engine, policies)
    assert not lacks_hold(engine)


@pytest.mark.parametrize("rewrite", [True, False])
def test_a_hold_keeps_its_records_until_it_is_released(engine: Engine, rewrite: bool) -> None:
    now = ClockOf(engine).now
    insert(engine, *({**record, "IngestedAt": now - 50 * DAY} for record in RECORDS[:40]))
    alice = HoldScope(actor="alice")
    kept = [r["LeafIndex"] for r in RECORDS[:40] if "alice" in (r["ActorId"], r["ActorName"], r["EffectiveActorId"])]
    add_hold(engine, "case-1", alice, "lawsuit", "eve", "127.0.0.1")
    apply_retention(engine, {AUDIT: Policy(30), OPERATIONAL: Policy(30)}, rewrite=rewrite)
    engine.execute("OPTIMIZE TABLE audit_logs FINAL")
    wait_for(lambda: leaves(engine) == kept)
    assert compare_definitions(read_definitions(engine)) == ()
    release_hold(engine, "case-1", "settled", "eve", "127.0.0.1")
    apply_retention(engine, {AUDIT: Policy(30)})
    engine.execute("OPTIMIZE TABLE audit_logs FINAL")
    wait_for(lambda: leaves(engine) == [])
    assert compare_definitions(read_definitions(engine)) == ()


def test_a_hold_wins_over_removal_that_is_due_already_in_parts_that_exist(engine: Engine) -> None:
    now = ClockOf(engine).now
    engine.execute("ALTER TABLE audit_logs MODIFY SETTING merge_with_ttl_timeout = 0")
    with removal_paused(engine, ["audit_logs"]):
        apply_retention(engine, {AUDIT: Policy(30)})
        insert(engine, *({**record, "IngestedAt": now - 50 * DAY} for record in RECORDS[:40]))
        add_hold(engine, "case-1", HoldScope(category="data"), "lawsuit", "eve", "127.0.0.1")
        apply_retention(engine, {AUDIT: Policy(30)}, rewrite=False)
        wait_for_removal(engine, ["audit_logs"])
        assert len(leaves(engine)) == 40
    wait_for(lambda: leaves(engine) == [r["LeafIndex"] for r in RECORDS[:40] if r["Category"] == "data"])


def test_a_merge_that_does_not_end_is_not_waited_for_for_ever() -> None:
    waits: list[float] = []
    with pytest.raises(RemovalGoesOnError, match=r"1 merges of audit_logs .* still run after 1 seconds"):
        wait_for_removal(AlwaysMerging(), ["audit_logs"], waits.append, longest=1)
    assert sum(waits) >= 1


class AlwaysMerging(PretendedEngine):
    """An engine with one merge that never ends."""

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        return encode_string(b"audit_logs/all_1_2_1")


def test_holds_are_read_back_with_their_release(engine: Engine) -> None:
    assert read_holds(engine) == []
    add_hold(engine, "case-1", HoldScope(actor="alice"), "it's a lawsuit", "eve", "::1")
    add_hold(engine, "case-2", HoldScope("spans"), "audit", "eve", "::1")
    assert [hold.name for hold in holds_covering(engine, actor="alice")] == ["case-1", "case-2"]
    assert [hold.name for hold in holds_covering(engine, streams=[AUDIT], actor="bob")] == []
    release_hold(engine, "case-1", "settled", "mallory", "127.0.0.1")
    first, second = read_holds(engine)
    assert (first.name, first.reason, first.who, first.caller) == ("case-1", "it's a lawsuit", "eve", "::1")
    assert first.released is not None
    assert (first.released.reason, first.released.who) == ("settled", "mallory")
    assert second.released is None
    assert scopes_in_force(engine) == [HoldScope("spans")]


def test_a_hold_that_cannot_be_read_keeps_everything_and_is_told_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    tell_once.cache_clear()
    add = "INSERT INTO legal_holds (Name, Kind, Scope, Reason, Who, Caller, At) SELECT"
    scopes = {"case-8": "nonsense", "case-9": '{"actor":' + "[" * 20_000}
    for name, scope in scopes.items():
        engine.execute(f"{add} {sql_text(name)}, 'add', {sql_text(scope)}, '', '', '', now64(3)")
    found = {hold.name: hold.scope for hold in [*read_holds(engine), *read_holds(engine)] if hold.name in scopes}
    assert found == dict.fromkeys(scopes, HoldScope())
    assert {hold.name for hold in holds_covering(engine, streams=[AUDIT], actor="bob")} >= set(scopes)
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [name for name in scopes for text in told if name in text] == list(scopes)
    assert "legal_holds cannot be read (Expecting value" in told[0]
    for name in scopes:
        release_hold(engine, name, "settled", "", "")
    assert not any(hold.name in scopes for hold in holds_covering(engine))


def test_a_policy_that_cannot_be_read_counts_as_none_and_is_recorded_anew(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    tell_once.cache_clear()
    note_policy(engine, "spans", Policy(7))
    for text in ("nonsense", "[" * 20_000):
        engine.execute(
            "INSERT INTO retention_policies (Stream, Policy, At) SELECT 'audit', "
            f"{sql_text(text)}, (SELECT max(At) FROM retention_policies) + toIntervalSecond(1)"
        )
        for _ in range(2):
            recorded = read_recorded_policies(engine)
            assert (recorded["spans"], recorded.get("audit")) == (Policy(7), None)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 2
    note_policy(engine, "audit", Policy(30))
    assert read_recorded_policies(engine)["audit"] == Policy(30)


class ClockOf:
    """The clock of an engine."""

    def __init__(self, engine: Engine) -> None:
        [(seconds,)] = read_rows(engine.query("SELECT toUInt64(toUnixTimestamp(now()))"), (uint64,))
        self.now = int(seconds) * 10**9


assert RECORD_TABLES[AUDIT] == "audit_logs"
