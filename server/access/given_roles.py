"""Roles of tokens that a caller of the API may give out."""

from __future__ import annotations

from collections.abc import Iterable

from server.access.callers import Caller, Role
from server.access.errors import ForbiddenError
from server.access.scopes import is_unlimited

__all__ = ["check_given"]

_OF_OPERATORS = frozenset({Role.SENDER, Role.OPERATOR})  # they give an operator nothing that he lacks


def check_given(caller: Caller | None, roles: Iterable[Role]) -> None:
    """Check that a caller with the permission to change tokens may give out a token with roles.

    Whoever may make tokens must not gain by that what he has not got: an operator reads no record, so he makes no token
    that does. Revoking needs no check, because it only takes away.

    Args:
        caller: the caller; None for the server itself.
        roles: the roles of the token.

    Raises:
        ForbiddenError: the roles are more than the caller may give out.
    """
    if caller is None or any(grant.role is Role.ADMIN and is_unlimited(grant) for grant in caller.grants):
        return
    others = set(roles) - _OF_OPERATORS
    if others:
        named = " and ".join(role.value for role in Role if role in others)
        raise ForbiddenError(
            f"these credentials do not permit giving out a token with the role {named}: an operator gives out tokens "
            "with the roles sender and operator only, and others need the role admin without limits"
        )
