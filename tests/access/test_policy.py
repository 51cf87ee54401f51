"""Permissions of roles, and what limits of grants leave of them."""

from __future__ import annotations

import pytest

from server.access.call_rules import GRPC_RULES, HTTP_RULES, Permission, http_rules
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.errors import ForbiddenError
from server.access.policy import OPEN_SCOPE, decide
from server.access.scopes import EVERYTHING
from storage.bound import LOG_TABLES, TABLES

PERMITTED = {
    Role.SENDER: set[Permission](),
    Role.VIEWER: {Permission.READ_RECORDS},
    Role.AUDITOR: {
        Permission.READ_RECORDS,
        Permission.READ_AUDIT,
        Permission.READ_EVIDENCE,
        Permission.READ_TILES,
        Permission.VERIFY,
        Permission.READ_DISCLOSURES,
        Permission.READ_POLICIES,
        Permission.READ_USAGE,
    },
    Role.OPERATOR: {
        Permission.READ_POLICIES,
        Permission.CHANGE_POLICIES,
        Permission.READ_STATUS,
        Permission.READ_METRICS,
        Permission.READ_USAGE,
        Permission.READ_TOKENS,
        Permission.CHANGE_TOKENS,
    },
    Role.ADMIN: set(Permission) - {Permission.OPEN, Permission.ANYBODY},
}
WITH_SERVICES = {
    Permission.READ_RECORDS,
    Permission.READ_AUDIT,
    Permission.READ_EVIDENCE,
    Permission.READ_TILES,
}
WITH_TENANTS = {*WITH_SERVICES, Permission.VERIFY, Permission.READ_DISCLOSURES, Permission.READ_USAGE}
RECORDS = ("audit_logs", "otel_logs", "otel_traces", "disclosures")


def caller(*grants: Grant) -> Caller:
    return Caller("somebody", CallerKind.TOKEN, grants)


def may(who: Caller, permission: Permission | None) -> bool:
    try:
        decide(who, permission)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize("role", Role)
def test_a_role_has_its_permissions_and_no_others(role: Role) -> None:
    found = {permission for permission in Permission if may(caller(Grant(role)), permission)}
    assert found - {Permission.OPEN, Permission.ANYBODY} == PERMITTED[role]


@pytest.mark.parametrize("role", Role)
def test_limits_of_a_grant_leave_out_calls_that_are_about_more(role: Role) -> None:
    by_service = caller(Grant(role, frozenset("a"), services=frozenset("x")))
    by_environment = caller(Grant(role, environments=frozenset("x")))
    by_tenant = caller(Grant(role, frozenset("a")))
    for permission in set(Permission) - {Permission.OPEN, Permission.ANYBODY}:
        assert may(by_service, permission) == (permission in PERMITTED[role] & WITH_SERVICES)
        assert may(by_environment, permission) == (permission in PERMITTED[role] & WITH_SERVICES)
        assert may(by_tenant, permission) == (permission in PERMITTED[role] & WITH_TENANTS)


def test_a_call_without_a_rule_is_refused_to_everybody() -> None:
    assert not may(caller(Grant(Role.ADMIN)), None)


@pytest.mark.parametrize("permission", Permission)
def test_nobody_without_grants_reads_a_record(permission: Permission) -> None:
    if permission is Permission.OPEN:
        assert decide(caller(), permission) is OPEN_SCOPE
        return
    if permission is Permission.ANYBODY:
        assert set(decide(caller(), permission).filters.values()) == {"0"}
        return
    assert not may(caller(), permission)


@pytest.mark.parametrize("permission", [Permission.READ_STATUS, Permission.READ_METRICS])
def test_an_operator_reads_no_record(permission: Permission) -> None:
    scope = decide(caller(Grant(Role.OPERATOR)), permission)
    assert not any(scope.may_read(table) for table in RECORDS)


def test_a_service_that_a_grant_is_limited_to_does_not_hide_tiles() -> None:
    grant = Grant(Role.AUDITOR, frozenset("a"), services=frozenset("x"))
    assert decide(caller(grant), Permission.READ_TILES).filters["audit_logs"] == "Tenant IN ('a')"
    assert "ServiceName" in decide(caller(grant), Permission.READ_EVIDENCE).filters["audit_logs"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.ADMIN])
def test_usage_is_of_the_tenants_that_a_grant_is_limited_to(role: Role) -> None:
    scope = decide(caller(Grant(role, frozenset("a")), Grant(Role.VIEWER, frozenset("b"))), Permission.READ_USAGE)
    own = dict.fromkeys(("audit_logs", "otel_logs", "otel_traces", *LOG_TABLES), "Tenant IN ('a')")
    assert scope.filters == {table: own.get(table, "0") for table in TABLES}
    assert scope.tenants == frozenset({"a"})
    assert decide(caller(Grant(role)), Permission.READ_USAGE).tenants is None


def test_verification_says_what_it_lacks() -> None:
    limited = caller(Grant(Role.AUDITOR, services=frozenset("x")))
    with pytest.raises(ForbiddenError, match="needs all records of a log"):
        decide(limited, Permission.VERIFY)
    with pytest.raises(ForbiddenError, match=r"do not permit this call: it needs the role auditor or admin\Z"):
        decide(caller(Grant(Role.VIEWER)), Permission.VERIFY)
    assert decide(caller(Grant(Role.ADMIN)), Permission.VERIFY) is EVERYTHING


def test_the_same_call_has_the_same_rule_over_both_protocols() -> None:
    assert set(GRPC_RULES.values()) - set(HTTP_RULES.values()) == set()
    assert HTTP_RULES["POST", "/api/v1/verify"] is GRPC_RULES["/lognotary.v1.EvidenceService/Verify"]


def test_tiles_are_public_only_if_that_is_set() -> None:
    tiles = "GET", "/tlog/{log_id}/{path:path}"
    assert http_rules(public_tiles=False)[tiles] is Permission.READ_TILES
    assert http_rules(public_tiles=True)[tiles] is Permission.OPEN
    others = {call: rule for call, rule in http_rules(public_tiles=True).items() if call != tiles}
    assert others == {call: rule for call, rule in HTTP_RULES.items() if call != tiles}


def test_evidence_is_of_the_tenants_of_the_auditor_and_records_of_those_who_may_read_them() -> None:
    both = caller(Grant(Role.AUDITOR, frozenset("a")), Grant(Role.VIEWER, frozenset("b")))
    scope = decide(both, Permission.READ_EVIDENCE)
    assert scope.filters["log_batches"] == "Tenant IN ('a')"
    assert scope.filters["otel_logs"] == "Tenant IN ('b')"
    assert decide(caller(Grant(Role.ADMIN)), Permission.READ_EVIDENCE) is EVERYTHING
