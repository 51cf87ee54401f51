"""Events that are no calls of the API but noticed by the server: reloads, new keys, senders that are not let in."""

from __future__ import annotations

import json
from collections.abc import Mapping

from server.access.networks import network_of
from server.access_log.access_log import AccessLog
from server.access_log.event import SERVER, AccessEvent, Actor, Outcome
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["DeniedSenders", "key_rotation", "reload_event", "start_event"]


def start_event(settings: Mapping[str, str], writer: str) -> AccessEvent:
    """Return the event that a server has started.

    Args:
        settings: names and values of the settings that decide who gets in, and what of it is on record.
        writer: name of the writer that has the settings.
    """
    given = tuple(settings.items())
    return AccessEvent("settings.start", Outcome.SUCCESS, SERVER, "", writer, "writer", "admin", settings=given)


def reload_event(problem: str) -> AccessEvent:
    """Return the event that keys and rules were read anew; the problem is empty if that was possible."""
    outcome = Outcome.FAILED if problem else Outcome.SUCCESS
    return AccessEvent("settings.reload", outcome, SERVER, category="admin", reason=problem)


def key_rotation(fingerprints: str, tenant: str = "") -> AccessEvent:
    """Return the event that other keys sign the logs from now on: those of a tenant, if these are its own keys."""
    asked = json.dumps({"tenant": tenant}, separators=(",", ":")) if tenant else ""
    return AccessEvent("key.rotate", Outcome.SUCCESS, SERVER, "", fingerprints, "key", "admin", asked)


class DeniedSenders:
    """Senders without valid credentials: one event a minute for each reason and host, and each token that is known.

    Attributes:
        log: where they are recorded; None for nowhere.
    """

    def __init__(self) -> None:
        """Record nothing yet."""
        self.log: AccessLog | None = None

    def around(self, measure: MeasureRequest) -> MeasureRequest:
        """Return a measure of requests that records denied ones, too."""

        def measured(request: RequestMeasure) -> None:
            measure(request)
            log = self.log
            if log is None or not request.denial:
                return
            address = request.peer.rpartition(":")[0].strip("[]") or request.peer
            skipped = log.denied.take(("send", network_of(address), request.denial, request.token), 1)
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
                    # The token is no actor: it is not valid, so whoever presents it may be anybody. Under the name
                    # "token", it would be redacted.
                    json.dumps({"name": request.token}, separators=(",", ":")) if request.token else "",
                    reason=request.denial,
                    repeated=skipped.same,
                    others=skipped.others,
                )
                log.note(event)

        return measured
