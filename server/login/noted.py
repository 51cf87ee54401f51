"""Events of login that are put on record: who logged in and out, and who could not."""

from __future__ import annotations

import json
from collections.abc import Callable

from server.access.callers import CallerKind
from server.access_log.bursts import Bursts
from server.access_log.event import SERVER, AccessEvent, Actor, Outcome
from server.login.revocations import ALL, Revocation

__all__ = ["LoginEvents", "NoteEvent"]

NoteEvent = Callable[[AccessEvent], object]
"""Function that records an event of access; it does not block."""

_FAILED_A_MINUTE = 60  # failures of one address, for one reason, that are recorded one by one


class LoginEvents:
    """Events of the paths of login."""

    def __init__(self, note: NoteEvent = lambda _: None) -> None:
        """Record with a function."""
        self._note = note
        self._failed = Bursts(_FAILED_A_MINUTE)

    def of_person(self, action: str, name: str, address: str) -> None:
        """Record what a person did who is known to the provider."""
        self.succeeded(action, Actor(name, CallerKind.OIDC.value, address=address))

    def succeeded(self, action: str, actor: Actor) -> None:
        """Record what somebody did who is known."""
        self._note(AccessEvent(action, Outcome.SUCCESS, actor, "http", category="auth"))

    def revoked(self, revocation: Revocation, sessions: int) -> None:
        """Record that somebody ended sessions from the command line, and how many."""
        self._note(
            AccessEvent(
                "session.revoke",
                Outcome.SUCCESS,
                SERVER,
                target="all" if revocation.of == ALL else revocation.of,
                target_type="session",
                category="admin",
                asked=json.dumps({"sessions": sessions}),
                changed_by=revocation.by,
            )
        )

    def failed(self, action: str, address: str, reason: str, outcome: Outcome = Outcome.FAILED) -> None:
        """Record what somebody could not do."""
        repeated = self._failed.take((address, action, reason))
        if repeated is not None:
            actor = Actor(address=address)
            event = AccessEvent(action, outcome, actor, "http", category="auth", reason=reason, repeated=repeated)
            self._note(event)
