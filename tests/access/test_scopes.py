"""Scopes of grants."""

from __future__ import annotations

import pytest

from server.access.callers import Grant, Role
from server.access.scopes import EVERYTHING, scope_of

ALL_OF = {"audit_logs": Role.AUDITOR, "otel_logs": Role.VIEWER, "otel_traces": Role.VIEWER}


def test_an_administrator_without_limits_reads_everything() -> None:
    assert scope_of([Grant(Role.ADMIN)]) is EVERYTHING
    assert scope_of([Grant(Role.ADMIN)], whole_logs=True) is EVERYTHING


@pytest.mark.parametrize("role", [Role.SENDER, Role.OPERATOR])
def test_senders_and_operators_read_nothing(role: Role) -> None:
    assert set(scope_of([Grant(role)]).filters.values()) == {"0"}


def test_a_viewer_reads_no_audit_record_and_an_auditor_no_other() -> None:
    viewer, auditor = scope_of([Grant(Role.VIEWER)]), scope_of([Grant(Role.AUDITOR)])
    assert {table: viewer.may_read(table) for table in ALL_OF} == {
        "audit_logs": False,
        "otel_logs": True,
        "otel_traces": True,
    }
    assert {table: auditor.may_read(table) for table in ALL_OF} == {
        "audit_logs": True,
        "otel_logs": False,
        "otel_traces": False,
    }
    assert not viewer.may_read("disclosures")
    assert not viewer.may_read("audit_record_ids")


def test_a_grant_is_limited_in_all_its_ways_at_once() -> None:
    grant = Grant(Role.VIEWER, frozenset({"a", ""}), frozenset({"shop"}), frozenset({"prod"}))
    scope = scope_of([grant])
    environment = (
        "if(mapContains(ResourceAttributes, 'deployment.environment.name'), "
        "ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) IN ('prod')"
    )
    beside = f"(ServiceName IN ('shop')) AND ({environment})"
    assert scope.filters["otel_logs"] == f"(Tenant IN ('', 'a')) AND ({beside})"
    assert scope.filters["log_tiles"] == "Tenant IN ('', 'a')"
    assert scope.filters["otel_traces_before"] == beside
    assert scope.tenants == frozenset({"a", ""})


def test_grants_add_up_each_with_its_own_limits() -> None:
    scope = scope_of([Grant(Role.VIEWER, frozenset("a")), Grant(Role.AUDITOR, frozenset("b"))])
    assert scope.filters["otel_logs"] == "Tenant IN ('a')"
    assert scope.filters["audit_logs"] == "Tenant IN ('b')"
    assert scope.filters["log_batches"] == "Tenant IN ('a', 'b')"
    assert scope.filters["otel_traces_before"] == "0"
    both = scope_of([Grant(Role.VIEWER, services=frozenset("x")), Grant(Role.VIEWER, frozenset("a"))])
    assert both.filters["otel_logs"] == "(ServiceName IN ('x')) OR (Tenant IN ('a'))"


def test_a_limit_to_nothing_permits_nothing() -> None:
    for grant in (Grant(Role.ADMIN, frozenset()), Grant(Role.ADMIN, services=frozenset())):
        assert not scope_of([grant]).may_read("audit_logs")


def test_whole_logs_are_those_of_grants_without_services() -> None:
    grants = [Grant(Role.AUDITOR, frozenset("a")), Grant(Role.AUDITOR, frozenset("b"), services=frozenset("x"))]
    scope = scope_of(grants, whole_logs=True)
    assert {scope.filters[table] for table in (*ALL_OF, "log_batches")} == {"Tenant IN ('a')"}
