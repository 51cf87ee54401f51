"""Events of login that are put on record: who logged in and out, and who could not."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.access.callers import Caller, CallerKind
from server.access.networks import network_of
from server.access.role_rules import RoleRule, grants_of
from server.access_log.bursts import Bursts
from server.access_log.event import SERVER, AccessEvent, Actor, Outcome, actor_of
from server.login.identities import Identity
from server.login.revocations import ALL, Revocation
from server.own_records.sender import NotRecordedError

__all__ = ["Answer", "KeepEvent", "LoginEvents", "NoteEvent", "answer_if_recorded", "keep_nothing", "note_nothing"]

KeepEvent = Callable[[AccessEvent], Awaitable[None]]
"""Function that records an event of access; if records are required, it returns once the record is acknowledged, and
raises NotRecordedError otherwise."""

NoteEvent = Callable[[AccessEvent], None]
"""Function that records an event of access soon, and does not block."""

Answer = Callable[[Request], Awaitable[Response]]
"""Function that answers a request."""

_FAILED_A_MINUTE = 60  # failures of one host, for one reason, that are recorded one by one


async def keep_nothing(event: AccessEvent) -> None:
    """Do nothing: there is no access log."""


def note_nothing(event: AccessEvent) -> None:
    """Do nothing: there is no access log."""


class LoginEvents:
    """Events of the paths of login; coroutines raise NotRecordedError as ``KeepEvent``."""

    def __init__(
        self,
        keep: KeepEvent = keep_nothing,
        note: NoteEvent = note_nothing,
        denied: Bursts | None = None,
        rules: Sequence[RoleRule] = (),
    ) -> None:
        """Record events.

        Args:
            keep: function that records an event of a call, which is answered then.
            note: function that records another event.
            denied: counts of the events of whoever is not let in; None to count those of login only.
            rules: rules that grant roles, and so tell the tenant whose access log has the events of a person.
        """
        self._keep = keep
        self._note = note
        self._rules = rules
        self._denied = denied or Bursts()

    async def of_person(self, action: str, identity: Identity, address: str, *, is_done: bool = False) -> None:
        """Record what a person did who is known to the provider; is_done as in ``AccessEvent``."""
        grants = grants_of(self._rules, identity.facts)
        await self.succeeded(action, actor_of(Caller(identity.name, CallerKind.OIDC, grants, address)), is_done=is_done)

    async def succeeded(self, action: str, actor: Actor, *, is_done: bool = False) -> None:
        """Record what somebody did who is known; is_done as in ``AccessEvent``."""
        await self._keep(AccessEvent(action, Outcome.SUCCESS, actor, "http", category="auth", is_done=is_done))

    def revoked(self, revocation: Revocation, sessions: int) -> None:
        """Record soon that somebody ended sessions from the command line, and how many."""
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

    async def failed(self, action: str, address: str, reason: str, outcome: Outcome = Outcome.FAILED) -> None:
        """Record what somebody could not do."""
        skipped = self._denied.take(("login", network_of(address), action, reason), _FAILED_A_MINUTE)
        if skipped is not None:
            event = AccessEvent(
                action,
                outcome,
                Actor(address=address),
                "http",
                category="auth",
                reason=reason,
                repeated=skipped.same,
                others=skipped.others,
            )
            await self._keep(event)


def answer_if_recorded(answer: Answer) -> Answer:
    """Return a function that answers a request, and refuses it if there is no record of it though one is required."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except NotRecordedError as error:
            content = {"code": "UNAVAILABLE", "message": str(error)}
            return JSONResponse(content, 503, {"Cache-Control": "no-store"})

    return answered
