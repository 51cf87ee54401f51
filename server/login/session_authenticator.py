"""The authenticator of people who have logged in on a page."""

from __future__ import annotations

from collections.abc import Sequence

from server.access.authentication import Presented
from server.access.callers import Caller
from server.access.errors import Denial, UnauthenticatedError
from server.access.role_rules import RoleRule
from server.login.identities import caller_of
from server.login.sessions import Sessions

__all__ = ["SessionAuthenticator"]


class SessionAuthenticator:
    """Authenticator of people by the cookie of their session; ``guard_sessions`` has refused foreign pages before."""

    def __init__(self, sessions: Sessions, rules: Sequence[RoleRule]) -> None:
        """Accept open sessions.

        Args:
            sessions: the sessions.
            rules: rules that grant roles.
        """
        self._sessions = sessions
        self._rules = rules

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return the person of the session, None if there is no session.

        Raises:
            UnauthenticatedError: the session has ended, or never began.
        """
        if not presented.session:
            return None
        session = self._sessions.find(presented.session)
        if session is None:
            raise UnauthenticatedError(Denial.EXPIRED)
        return caller_of(session.identity, self._rules, presented.address)
