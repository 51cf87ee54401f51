from __future__ import annotations

import pytest

from server.notary.origin import Stream
from storage.hold_scope import HoldScope
from storage.retention_policy import Policy, RetentionRule, policy_from_text
from storage.retention_sql import StoredTtl, drops_parts_only, parse_ttl, ttl_of

AUDIT, OPERATIONAL, SPANS = Stream
DATA = RetentionRule(2557, category="data")
NOISE = RetentionRule(7, service="it's", attribute=("k", "a=b"))
KEPT = RetentionRule(None, category="admin")


def by_day(days: int) -> str:
    return f"toDateTime(toStartOfDay(IngestedAt)) + toIntervalDay({days})"


def test_records_that_are_all_kept_equally_long_are_dropped_in_whole_parts() -> None:
    ttl = ttl_of(AUDIT, Policy(400))
    assert ttl == "toDateTime(IngestedAt) + toIntervalDay(400)"
    assert parse_ttl(ttl) == StoredTtl(400, by_day=False)
    assert drops_parts_only(ttl)
    assert ttl_of(AUDIT, Policy(None)) == ""
    assert parse_ttl("") == StoredTtl(None, by_day=False)


def test_what_is_kept_longest_needs_no_condition() -> None:
    others = f"{by_day(401)} DELETE WHERE (NOT ((Category = 'data')))"
    assert ttl_of(AUDIT, Policy(400, (DATA,))) == f"{others}, {by_day(2558)}"


def test_a_rule_holds_only_for_records_that_no_earlier_rule_matches() -> None:
    noise = "ServiceName = 'it\\'s' AND (LogAttributes['k'] = 'a=b' OR ResourceAttributes['k'] = 'a=b')"
    assert ttl_of(AUDIT, Policy(30, (KEPT, NOISE))) == (
        f"{by_day(8)} DELETE WHERE (({noise}) AND (NOT ((Category = 'admin')))), "
        f"{by_day(31)} DELETE WHERE (NOT ((Category = 'admin') OR ({noise})))"
    )


def test_records_that_are_kept_equally_long_by_several_rules_have_one_condition() -> None:
    other = RetentionRule(7, service="b")
    ttl = ttl_of(SPANS, Policy(30, (RetentionRule(7, service="a"), other)))
    assert ttl.count("toIntervalDay(8)") == 1


def test_a_hold_is_an_exception_from_every_condition_of_its_streams() -> None:
    hold = HoldScope(actor="alice")
    held = "((ActorId = 'alice' OR ActorName = 'alice' OR EffectiveActorId = 'alice'))"
    assert ttl_of(AUDIT, Policy(400), [hold]) == f"{by_day(401)} DELETE WHERE NOT ({held})"
    assert ttl_of(OPERATIONAL, Policy(30), [hold]) == ttl_of(OPERATIONAL, Policy(30))
    assert ttl_of(AUDIT, Policy(400, (DATA,)), [hold]).count(f"NOT ({held})") == 2
    assert not drops_parts_only(ttl_of(AUDIT, Policy(400), [hold]))


def test_old_parts_move_to_a_volume_and_that_removes_nothing() -> None:
    ttl = ttl_of(AUDIT, Policy(400, cold_volume="cold", cold_after=90))
    assert ttl == f"{by_day(401)}, {by_day(91)} TO VOLUME 'cold'"
    assert parse_ttl(ttl) == StoredTtl(400, by_day=True)
    assert drops_parts_only(ttl)
    assert parse_ttl(ttl_of(AUDIT, Policy(None, cold_volume="cold", cold_after=90))) == StoredTtl(None, by_day=True)


@pytest.mark.parametrize(
    "ttl",
    [
        "toDateTime(Timestamp) + toIntervalDay(3)",
        "toDateTime(IngestedAt) + toIntervalHour(30)",
        "toDateTime(IngestedAt) + toIntervalDay(30) WHERE ServiceName = 'shop'",
        f"{by_day(31)}, toDateTime(Timestamp) + toIntervalDay(1) WHERE Body = ''",
        f"{by_day(31)} TO DISK 'd'",
        f"{by_day(31)} GROUP BY ServiceName SET Body = ''",
    ],
)
def test_other_ttls_are_not_lognotarys(ttl: str) -> None:
    assert parse_ttl(ttl) is None


def test_the_stored_ttl_keeps_every_record_for_the_shortest_time() -> None:
    shown = f"{by_day(8)} WHERE (ServiceName = 'a, b') AND (NOT (Category = 'x')), {by_day(31)}"
    assert parse_ttl(shown) == StoredTtl(7, by_day=True)


def test_the_shortest_and_the_longest_time_count_rules_and_the_default() -> None:
    assert (Policy(30).shortest, Policy(30).longest) == (30, 30)
    assert (Policy(400, (DATA, NOISE)).shortest, Policy(400, (DATA, NOISE)).longest) == (7, 2557)
    assert (Policy(None, (NOISE,)).shortest, Policy(None, (NOISE,)).longest) == (7, None)
    assert (Policy(None, (KEPT,)).shortest, Policy(5, (KEPT,)).longest) == (None, None)


def test_a_policy_has_one_text_that_is_read_back() -> None:
    policy = Policy(400, (DATA, KEPT, NOISE))
    assert policy_from_text(policy.text()) == policy
    assert Policy(400, (DATA,)).text() == '{"days":400,"rules":[{"days":2557,"category":"data"}]}'
    assert str(policy) == (
        "category data: 2,557 days; category admin: forever; service it's and attribute k=a=b: 7 days; "
        "all others: 400 days"
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"days":"30","rules":[]}', '{"days":0,"rules":[]}'])
def test_a_text_that_is_not_a_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|Expecting value"):
        policy_from_text(text)


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        (HoldScope("spam"), "stream: 'spam'"),
        (HoldScope(category="login"), "category: 'login'"),
        (HoldScope("spans", actor="alice"), "actor: only audit records have one"),
        (HoldScope("operational", category="data"), "category: only audit records have one"),
        (HoldScope(since=5, until=5), "until: the time is not after since"),
    ],
)
def test_a_scope_that_can_keep_nothing_is_refused(scope: HoldScope, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scope.check()


def test_a_scope_is_read_back_and_what_a_later_version_wrote_is_refused() -> None:
    scope = HoldScope("audit", 1, 2, "shop", "alice", "ab", "data")
    assert HoldScope.from_text(scope.text()) == scope
    assert HoldScope().text() == "{}"
    for text in ('{"planet":"mars"}', "[]", "{"):
        with pytest.raises(ValueError, match=r"not a scope|Expecting"):
            HoldScope.from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"since":"0) OR (1"}',
        '{"since":"2020"}',
        '{"until":true}',
        '{"since":1.5}',
        '{"since":100000000000000000000000}',
        '{"until":-100000000000000000000000}',
        '{"actor":7}',
        '{"service":["a"]}',
        '{"category":{}}',
        '{"stream":null}',
        '{"actor":"\\ud800"}',
        "nonsense",
        '{"actor":' + "[" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_a_scope_whose_values_have_other_types_or_ranges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HoldScope.from_text(text)


def test_times_of_a_scope_are_those_that_the_api_can_show() -> None:
    for time in (-(10**23), 10**23):
        with pytest.raises(ValueError, match="from the year 1 to 9999"):
            HoldScope(since=time).check()
    HoldScope(since=0, until=253_402_300_799 * 10**9).check()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[" * 100_000,
        '{"days":0,"rules":[]}',
        '{"days":1000000,"rules":[]}',
        '{"days":true,"rules":[]}',
        '{"days":null,"rules":[{"days":1,"category":"\\ud800"}]}',
        '{"days":1}',
    ],
    ids=lambda text: text[:30],
)
def test_a_text_with_other_values_than_a_policy_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        policy_from_text(text)


def test_a_hold_may_cover_what_it_is_not_known_not_to_cover() -> None:
    hold = HoldScope(since=10, until=20, actor="alice")
    for since, until, actor in ((None, None, ""), (19, None, "alice"), (None, 11, "")):
        assert hold.may_cover(AUDIT, since=since, until=until, actor=actor)
    for since, until, actor in ((20, None, ""), (None, 10, ""), (None, None, "bob")):
        assert not hold.may_cover(AUDIT, since=since, until=until, actor=actor)
    assert not hold.may_cover(SPANS, since=None, until=None, actor="")


@pytest.mark.parametrize(
    ("before", "after", "earlier"),
    [
        (Policy(400), Policy(30), True),
        (Policy(None), Policy(30), True),
        (Policy(30), Policy(400), False),
        (Policy(30), Policy(None), False),
        (Policy(30), Policy(30, (), "cold", 7), False),
        (Policy(400), Policy(400, (DATA,)), False),
        (Policy(400, (DATA,)), Policy(400), True),
        (Policy(400, (DATA,)), Policy(30, (DATA,)), True),
        (Policy(400, (KEPT,)), Policy(400, (DATA,)), True),
    ],
)
def test_a_policy_is_compared_with_the_one_before(before: Policy, after: Policy, *, earlier: bool) -> None:
    assert after.may_remove_earlier(before) is earlier
