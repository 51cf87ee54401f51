"""Losses: how many events of each actor will have no record, until a record says so."""

from __future__ import annotations

from collections.abc import Container, Hashable

from server.access_log.event import NOBODY, AccessEvent, Actor, Outcome
from server.access_log.queue import share_of

__all__ = ["LOST", "Losses"]

LOST = "record.lost"
"""Action of the records that say how many events of an actor have no record."""

_MOST_LOSERS = 1024  # actors whose losses are counted apart
_ANYBODY_ELSE = Actor("anybody else", "server")
_REASON = "too many events waited for their records, or the access log refused their records"


class Losses:
    """Numbers of lost events by actor; not thread-safe."""

    def __init__(self) -> None:
        """Start without losses."""
        self._losses: dict[str, dict[Hashable, tuple[Actor, int]]] = {}  # of each tenant, by share
        self._losers = 0

    def count(self, event: AccessEvent) -> int:
        """Count an event that will have no record; return how many events this loses."""
        share, actor = share_of(event.actor), event.actor if event.actor.kind else NOBODY
        if self._losers >= _MOST_LOSERS and share not in self._losses.get(actor.tenant, {}):
            share, actor = _ANYBODY_ELSE, _ANYBODY_ELSE
        number = event.lost or 1
        losses = self._losses.setdefault(actor.tenant, {})
        self._losers += share not in losses
        losses[share] = actor, losses.get(share, (actor, 0))[1] + number
        return number

    def are_there(self, without: Container[str]) -> bool:
        """Return whether there are losses of tenants, without some of them."""
        return any(tenant not in without for tenant in self._losses)

    def take(self, most: int, without: Container[str]) -> list[AccessEvent]:
        """Remove losses, and return events that say how many there were.

        Args:
            most: number of events that are returned at most.
            without: tenants whose losses stay.
        """
        taken: list[AccessEvent] = []
        for tenant in [tenant for tenant in self._losses if tenant not in without]:
            losses = self._losses[tenant]
            for share in list(losses)[: most - len(taken)]:
                actor, number = losses.pop(share)
                taken.append(AccessEvent(LOST, Outcome.FAILED, actor, category="system", reason=_REASON, lost=number))
            if not losses:
                del self._losses[tenant]
        self._losers -= len(taken)
        return taken
