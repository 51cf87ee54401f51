"""Tokens as credentials of callers of the API."""

from __future__ import annotations

import time
from collections.abc import Callable

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind
from server.access.token_store import TokenStore
from server.access.token_text import PREFIX

__all__ = ["TokenAuthenticator"]


class TokenAuthenticator:
    """Authenticates callers by their tokens; an ``Authenticator``. Other bearer tokens are left to others."""

    def __init__(self, store: TokenStore, clock: Callable[[], float] = time.time) -> None:
        """Authenticate with the tokens of a store.

        Args:
            store: the tokens.
            clock: returns the time in seconds since the epoch.
        """
        self._store = store
        self._clock = clock

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return who has the token that was presented, None if none was.

        Raises:
            UnauthenticatedError: the token is not valid.
        """
        if not presented.bearer.startswith(PREFIX):
            return None
        now = self._clock()
        token = self._store.tokens.check(presented.bearer, now)
        self._store.uses.note(token.id, now)
        return Caller(token.name, CallerKind.TOKEN, token.grants, presented.address)
