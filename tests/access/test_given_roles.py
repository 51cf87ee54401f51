"""Roles of tokens that a caller may give out."""

from __future__ import annotations

import pytest

from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.errors import ForbiddenError
from server.access.given_roles import check_given


def may_give(roles: list[Role], *grants: Grant) -> bool:
    try:
        check_given(Caller("somebody", CallerKind.TOKEN, grants), roles)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize("role", Role)
def test_an_operator_gives_out_nothing_that_he_has_not_got(role: Role) -> None:
    assert may_give([role], Grant(Role.OPERATOR)) == (role in {Role.SENDER, Role.OPERATOR})
    assert may_give([Role.SENDER, role], Grant(Role.OPERATOR)) == (role in {Role.SENDER, Role.OPERATOR})


@pytest.mark.parametrize("role", Role)
def test_an_admin_gives_out_every_role(role: Role) -> None:
    assert may_give([role], Grant(Role.ADMIN))


@pytest.mark.parametrize(
    "grant",
    [
        Grant(Role.AUDITOR),
        Grant(Role.ADMIN, frozenset({"alpha"})),
        Grant(Role.ADMIN, services=frozenset({"shop"})),
        Grant(Role.ADMIN, environments=frozenset({"test"})),
    ],
    ids=["an auditor too", "an admin of a tenant", "an admin of a service", "an admin of an environment"],
)
def test_an_operator_with_another_grant_does_not_give_that_one_out(grant: Grant) -> None:
    assert not may_give([grant.role], Grant(Role.OPERATOR), grant)


def test_a_refusal_names_the_roles_that_need_an_admin() -> None:
    with pytest.raises(ForbiddenError, match=r"a token with the role viewer and admin: an operator gives out"):
        check_given(Caller("eve", CallerKind.TOKEN, (Grant(Role.OPERATOR),)), [Role.ADMIN, Role.SENDER, Role.VIEWER])
