"""Limits of tenants: what a tenant may use, what it has used, and that no other tenant is touched."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.tenant_limits import TenantLimits, TenantMeters, Usage, sum_usage
from server.errors.ingest import TenantLimitError


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("limits", [TenantLimits(size=100), TenantLimits(records=100)], ids=["bytes", "records"])
def test_a_tenant_that_sends_too_much_is_told_when_to_send_again(limits: TenantLimits) -> None:
    clock = Time()
    meters = TenantMeters(limits, clock=clock)
    meters.check("acme")
    meters.take("acme", 1500, 1500, ())  # 500 may come at once
    with pytest.raises(TenantLimitError, match=r"its limit of 100 (bytes|records) a second") as refused:
        meters.check("acme")
    assert refused.value.retry_after == 10.0
    meters.check("umbrella")
    clock.now += 10.0
    with pytest.raises(TenantLimitError):
        meters.check("acme")
    clock.now += 0.1
    meters.check("acme")
    assert meters.usage()["acme"] == Usage(size=1500, records=1500, refused=2)


def test_a_tenant_with_limits_of_its_own_has_no_others() -> None:
    meters = TenantMeters(TenantLimits(records=1), {"large": TenantLimits(), "small": TenantLimits(size=1)}, Time())
    for tenant in ("large", "small", "other"):
        meters.take(tenant, 100, 100, ())
    meters.check("large")
    for tenant in ("small", "other"):
        with pytest.raises(TenantLimitError):
            meters.check(tenant)


def test_new_keys_beyond_the_limit_are_refused_and_known_ones_are_not() -> None:
    clock = Time()
    meters = TenantMeters(TenantLimits(keys=2), clock=clock)
    meters.take("acme", 1, 1, [b"a", b"b"])
    meters.take("acme", 1, 1, [b"b"])
    with pytest.raises(TenantLimitError, match="2 different keys of attributes an hour"):
        meters.take("acme", 1, 1, [b"a", b"c"])
    meters.take("umbrella", 1, 1, [b"c"])
    assert meters.usage()["acme"].records == 2
    clock.now += 3600
    meters.take("acme", 1, 1, [b"a", b"c"])


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 3)), max_size=60))
def test_over_any_time_a_tenant_gets_no_more_than_its_rate_one_burst_and_one_request(
    steps: list[tuple[int, float]],
) -> None:
    clock = Time()
    meters = TenantMeters(TenantLimits(records=100), clock=clock)
    taken = 0
    for records, pause in steps:
        clock.now += pause
        with contextlib.suppress(TenantLimitError):
            meters.check("acme")
            meters.take("acme", 0, records, ())
            taken += records
    assert taken <= 100 * (5 + clock.now - 100.0) + 500


def test_new_tenants_have_room_until_there_are_too_many_and_known_ones_always() -> None:
    meters = TenantMeters(known=["", "old"])
    assert meters.has_room("new", 2)
    assert not meters.has_room("new", 1)
    assert meters.has_room("old", 1)
    meters.check("refused")  # what is not taken has no log
    assert meters.has_room("new", 2)
    meters.take("", 1, 1, ())
    meters.take("new", 1, 1, ())
    assert meters.has_room("new", 2)
    assert not meters.has_room("newer", 2)
    assert [meters.has_logs(tenant) for tenant in ("old", "new", "newer", "refused")] == [True, True, False, False]


def test_requests_that_are_refused_leave_nothing_of_a_tenant_behind() -> None:
    meters = TenantMeters(TenantLimits(keys=1))
    meters.check("malformed")
    meters.take("without-records", 10, 0, ())
    meters.give_back("without-records", 10, 0)
    with pytest.raises(TenantLimitError):
        meters.take("many-keys", 1, 1, [b"a", b"b"])
    meters.take("not-stored", 10, 1, [b"a"])
    meters.take("not-stored", 20, 2, [b"a"])
    meters.give_back("not-stored", 10, 1)
    assert meters.usage() == {"not-stored": Usage(20, 2)}
    meters.give_back("not-stored", 20, 2)
    assert meters.usage() == {}
    assert [meters.has_logs(tenant) for tenant in ("malformed", "without-records", "many-keys")] == [False] * 3


def test_bytes_without_records_count_for_a_tenant_that_has_logs() -> None:
    meters = TenantMeters(TenantLimits(size=10))
    meters.take("acme", 1, 1, ())
    meters.take("acme", 100, 0, ())
    assert meters.usage() == {"acme": Usage(101, 1)}
    with pytest.raises(TenantLimitError):
        meters.check("acme")


def test_usage_in_several_processes_is_added_up_and_a_copy() -> None:
    first, second = {"acme": Usage(1, 2, 3)}, {"acme": Usage(10, 20, 30), "": Usage(5)}
    assert sum_usage([first, second]) == {"acme": Usage(11, 22, 33), "": Usage(5)}
    assert (first, second["acme"]) == ({"acme": Usage(1, 2, 3)}, Usage(10, 20, 30))
    meters = TenantMeters()
    meters.take("acme", 1, 1, ())
    seen = meters.usage()
    meters.take("acme", 1, 1, ())
    assert seen == {"acme": Usage(1, 1)}
