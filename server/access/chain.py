"""Authentication of callers of the API: several ways, tried in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.access.authentication import Authenticator, Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.errors import Denial, UnauthenticatedError

__all__ = ["LOCAL_GRANTS", "AuthenticationChain", "unrestricted"]

LOCAL_GRANTS = (Grant(Role.ADMIN),)
"""Grants of callers without credentials, on a server that needs none."""

_NAME = "local"


Restrict = Callable[[Presented, Caller], Caller]


def unrestricted(_: Presented, caller: Caller) -> Caller:
    """Return a caller with all of its rights."""
    return caller


class AuthenticationChain:
    """Authenticators, of which the first that recognises what was presented decides."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        required: Callable[[], bool],
        restrict: Restrict = unrestricted,
    ) -> None:
        """Use authenticators.

        Args:
            authenticators: the authenticators, in the order in which they are tried.
            required: function that returns whether every call needs credentials now; otherwise, callers that present
                none may do everything.
            restrict: function that returns a caller with what is left of its rights, given what it presents; raises
                UnauthenticatedError.
        """
        self._authenticators = tuple(authenticators)
        self._required = required
        self._restrict = restrict

    async def authenticate(self, presented: Presented) -> Caller:
        """Return who calls.

        Raises:
            UnauthenticatedError: what was presented is not valid, or nothing was and something must be.
        """
        for authenticator in self._authenticators:
            caller = await authenticator.authenticate(presented)
            if caller is not None:
                return self._restrict(presented, caller)
        if presented.bearer or presented.session:  # what is presented is checked, even if nothing need be
            raise UnauthenticatedError(Denial.UNKNOWN)
        if self._required():
            raise UnauthenticatedError(Denial.MISSING)
        return Caller(_NAME, CallerKind.LOCAL, LOCAL_GRANTS, presented.address)
