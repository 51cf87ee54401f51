"""Events that no call of the API is: those that the server notices, such as changes of tokens by the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping

from server.access.networks import network_of
from server.access.tokens import Token, Tokens
from server.access_log.access_log import AccessLog
from server.access_log.bursts import Bursts
from server.access_log.event import AccessEvent, Actor, Outcome
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["DeniedSenders", "key_rotation", "note_token_changes", "reload_event", "start_event", "token_changes"]

_INTERVAL = 0.5  # seconds between looks at the tokens
_SERVER = Actor("lognotary", "server")


def token_changes(before: Tokens, after: Tokens) -> Iterator[AccessEvent]:
    """Yield an event for each token that was created, revoked or removed; who did it is not known."""
    old, new = ({token.digest: token for token in tokens.all} for tokens in (before, after))
    for digest, token in new.items():
        if digest not in old:
            yield _of_token("token.create", token)
        elif token.revoked is not None and old[digest].revoked is None:
            yield _of_token("token.revoke", token)
    for digest, token in old.items():
        if digest not in new:
            yield _of_token("token.remove", token)


def _of_token(action: str, token: Token) -> AccessEvent:
    about = {
        "id": token.id,
        "roles": [grant.role.value for grant in token.grants],
        "tenant": token.tenant,
        "expires": token.expires,
    }
    asked = json.dumps(about, separators=(",", ":"))
    return AccessEvent(action, Outcome.SUCCESS, _SERVER, "", token.name, "token", "admin", asked)


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


def start_event(settings: Mapping[str, str], writer: str) -> AccessEvent:
    """Return the event that a server has started.

    Args:
        settings: names and values of the settings that decide who gets in, and what of it is on record.
        writer: name of the writer that has the settings.
    """
    given = tuple(settings.items())
    return AccessEvent("settings.start", Outcome.SUCCESS, _SERVER, "", writer, "writer", "admin", settings=given)


def reload_event(problem: str) -> AccessEvent:
    """Return the event that keys and rules were read anew; the problem is empty if that was possible."""
    outcome = Outcome.FAILED if problem else Outcome.SUCCESS
    return AccessEvent("settings.reload", outcome, _SERVER, category="admin", reason=problem)


def key_rotation(fingerprints: str) -> AccessEvent:
    """Return the event that other keys sign the logs from now on."""
    return AccessEvent("key.rotate", Outcome.SUCCESS, _SERVER, "", fingerprints, "key", "admin")


class DeniedSenders:
    """Senders without valid credentials: one event a minute for each reason and host.

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
            skipped = self._bursts.take((network_of(address), request.denial))
            if skipped is not None:
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
                    repeated=skipped.same,
                    others=skipped.others,
                )
                log.note(event)

        return measured
