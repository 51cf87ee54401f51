"""Events that no call of the API is: those that the server notices, such as changes of tokens by the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

from server.access.tokens import Token, Tokens
from server.access_log.access_log import AccessLog
from server.access_log.bursts import Bursts
from server.access_log.event import SERVER, AccessEvent, Actor, Outcome
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["DeniedSenders", "key_rotation", "note_token_changes", "reload_event", "token_changes"]

_INTERVAL = 0.5  # seconds between looks at the tokens


def token_changes(before: Tokens, after: Tokens) -> Iterator[AccessEvent]:
    """Yield an event for each token that was created, revoked or removed, with who did it if the file says so."""
    old, new = ({token.digest: token for token in tokens.all} for tokens in (before, after))
    for digest, token in new.items():
        if digest not in old:
            yield _of_token("token.create", token, token.created_by)
        elif token.revoked is not None and old[digest].revoked is None:
            yield _of_token("token.revoke", token, token.revoked_by)
    for digest, token in old.items():
        if digest not in new:
            yield _of_token("token.remove", token)


def _of_token(action: str, token: Token, by: str = "") -> AccessEvent:
    about = {
        "id": token.id,
        "roles": [grant.role.value for grant in token.grants],
        "tenant": token.tenant,
        "expires": token.expires,
    }
    asked = json.dumps(about, separators=(",", ":"))
    return AccessEvent(action, Outcome.SUCCESS, SERVER, "", token.name, "token", "admin", asked, changed_by=by)


async def note_token_changes(log: AccessLog, tokens: Callable[[], Tokens]) -> None:
    """Record changes of tokens; never ends."""
    before = tokens()
    while True:
        await asyncio.sleep(_INTERVAL)
        after = tokens()
        if after is not before:
            for event in token_changes(before, after):
                log.note(event)
            before = after


def reload_event(problem: str) -> AccessEvent:
    """Return the event that keys and rules were read anew; the problem is empty if that was possible."""
    outcome = Outcome.FAILED if problem else Outcome.SUCCESS
    return AccessEvent("settings.reload", outcome, SERVER, category="admin", reason=problem)


def key_rotation(fingerprints: str) -> AccessEvent:
    """Return the event that other keys sign the logs from now on."""
    return AccessEvent("key.rotate", Outcome.SUCCESS, SERVER, "", fingerprints, "key", "admin")


class DeniedSenders:
    """Senders without valid credentials: one event a minute for each reason and address.

    Attributes:
        log: where they are recorded; None for nowhere.
    """

    def __init__(self) -> None:
        """Record nothing yet."""
        self.log: AccessLog | None = None
        self._bursts = Bursts(1)

    def around(self, measure: MeasureRequest) -> MeasureRequest:
        """Return a measure of requests that records denied ones, too."""

        def measured(request: RequestMeasure) -> None:
            measure(request)
            log = self.log
            if log is None or not request.denial:
                return
            address = request.peer.rpartition(":")[0].strip("[]") or request.peer
            repeated = self._bursts.take((address, request.denial))
            if repeated is not None:
                actor = Actor(address=address)
                event = AccessEvent(
                    "send",
                    Outcome.DENIED,
                    actor,
                    request.protocol,
                    request.service,
                    "service",
                    "auth",
                    reason=request.denial,
                    repeated=repeated,
                )
                log.note(event)

        return measured
