"""Checkpoints that the server remembers, as far as a caller may know of their logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.access.tenants import tenant_of_log
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from storage.bound import scope_if_any

__all__ = ["visible_checkpoints"]

_Remembered = Checkpoint | Statement


def visible_checkpoints(
    remembered: Callable[[], Sequence[_Remembered]], deployment: str
) -> Callable[[], Sequence[_Remembered]]:
    """Return a function that returns what is remembered of the logs that may be read in its context.

    Args:
        remembered: function that returns all that is remembered.
        deployment: name of the deployment, which tells its tenants. Logs of others are for callers without limits.
    """

    def visible() -> Sequence[_Remembered]:
        scope = scope_if_any()
        tenants = scope.tenants if scope else None
        kept = remembered()
        return kept if tenants is None else [one for one in kept if tenant_of_log(_origin(one), deployment) in tenants]

    return visible


def _origin(kept: _Remembered) -> str:
    return kept.checkpoint.origin if isinstance(kept, Statement) else kept.origin
