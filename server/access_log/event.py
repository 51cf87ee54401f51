"""Events of access: who did what with the server, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from server.access.callers import Caller, Grant

__all__ = ["NOBODY", "SERVER", "AccessEvent", "Actor", "Outcome", "actor_of", "tenant_of"]


class Outcome(Enum):
    """Outcomes of what somebody did."""

    BEGUN = "begun"  # a long answer, which has another record when it ends
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who did something.

    Attributes:
        name: name of the caller; empty if nobody is known.
        kind: value of ``CallerKind``, "server" for the server itself; empty if nobody is known.
        roles: names of the caller's roles.
        address: IP address, as far as that can be trusted; empty if it is unknown.
        tenant: the tenant that the caller is limited to, whose access log has the record; empty for the default one.
        unknown_tenant: tenant without logs that a trusted proxy has limited the caller to; empty otherwise.
    """

    name: str = ""
    kind: str = ""
    roles: tuple[str, ...] = ()
    address: str = ""
    tenant: str = ""
    unknown_tenant: str = ""


NOBODY = Actor()
"""Somebody of whom nothing is known."""

SERVER = Actor("lognotary", "server")
"""The server itself, for what it notices."""


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One event; its texts are of callers, and may be hostile.

    Attributes:
        action: what was done, such as ``search``.
        outcome: what became of it.
        actor: who did it.
        protocol: "grpc" or "http"; empty if it was no call.
        target: name of what it was done to; empty for many things, or nothing.
        target_type: what that is, such as ``trace``.
        category: value of ``audit_words.CATEGORIES``.
        asked: the request, as JSON.
        records: number of records in the answer.
        reason: why it was denied, or failed.
        trace_id, span_id: where the call belongs to, in lower-case hexadecimal digits; empty if it did not say.
        call: ID that the records of one call share.
        seconds: duration; None if it has none.
        repeated: number of events like this since the last that was recorded.
        others: number of other denied or failed events that were not recorded.
        lost: number of the actor's events that have no record, though they should have.
        settings: names and values of settings, if the event is about settings.
        changed_by: who changed something beside the server, as the command line stated it; empty if that is not known.
        is_done: True if it has happened, even if there is no record in time: it does not fail by that.
    """

    action: str
    outcome: Outcome
    actor: Actor = NOBODY
    protocol: str = ""
    target: str = ""
    target_type: str = ""
    category: str = "data"
    asked: str = ""
    records: int = 0
    reason: str = ""
    trace_id: str = ""
    span_id: str = ""
    call: str = ""
    seconds: float | None = None
    repeated: int = 0
    others: int = 0
    lost: int = 0
    settings: tuple[tuple[str, str], ...] = ()
    changed_by: str = ""
    is_done: bool = False


def actor_of(caller: Caller) -> Actor:
    """Return a caller as an actor.

    A header must not be able to begin logs: calls for a tenant without any are in the access log of the whole server.
    """
    roles = tuple(sorted({grant.role.value for grant in caller.grants}))
    tenant = "" if caller.unknown_tenant else tenant_of(caller.grants)
    return Actor(caller.name, caller.kind.value, roles, caller.address, tenant, caller.unknown_tenant)


def tenant_of(grants: Iterable[Grant]) -> str:
    """Return the one tenant that grants are limited to; empty, the default tenant, if there are others, or none."""
    limits = [grant.tenants for grant in grants]
    tenants = frozenset().union(*(limit for limit in limits if limit is not None))
    return next(iter(tenants)) if len(tenants) == 1 and None not in limits else ""
