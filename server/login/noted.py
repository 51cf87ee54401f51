"""Events of login that are put on record: who logged in and out, and who could not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.access.callers import Caller, CallerKind
from server.access.role_rules import RoleRule, grants_of
from server.access_log.bursts import Bursts
from server.access_log.event import AccessEvent, Actor, Outcome, actor_of
from server.login.identities import Identity

__all__ = ["LoginEvents", "NoteEvent"]

NoteEvent = Callable[[AccessEvent], object]
"""Function that records an event of access; it does not block."""

_FAILED_A_MINUTE = 60  # failures of one address, for one reason, that are recorded one by one


class LoginEvents:
    """Events of the paths of login."""

    def __init__(self, note: NoteEvent = lambda _: None, rules: Sequence[RoleRule] = ()) -> None:
        """Record events.

        Args:
            note: function that records an event.
            rules: rules that grant roles, and so tell the tenant whose access log has the events of a person.
        """
        self._note = note
        self._rules = rules
        self._failed = Bursts(_FAILED_A_MINUTE)

    def of_person(self, action: str, identity: Identity, address: str) -> None:
        """Record what a person did who is known to the provider."""
        grants = grants_of(self._rules, identity.facts)
        self.succeeded(action, actor_of(Caller(identity.name, CallerKind.OIDC, grants, address)))

    def succeeded(self, action: str, actor: Actor) -> None:
        """Record what somebody did who is known."""
        self._note(AccessEvent(action, Outcome.SUCCESS, actor, "http", category="auth"))

    def failed(self, action: str, address: str, reason: str, outcome: Outcome = Outcome.FAILED) -> None:
        """Record what somebody could not do."""
        repeated = self._failed.take((address, action, reason))
        if repeated is not None:
            actor = Actor(address=address)
            event = AccessEvent(action, outcome, actor, "http", category="auth", reason=reason, repeated=repeated)
            self._note(event)
