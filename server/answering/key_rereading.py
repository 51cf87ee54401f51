"""Rereading of keys on request: the API trusts the public keys that the store has now, and the logs reread theirs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from server.access_log.access_log import AccessLog
from server.access_log.noticed import reload_event
from server.api.backend import Backend
from server.intake.process import Intake, Process
from server.keys.identity import Identity
from server.keys.store import KeyStoreError

__all__ = ["reread_keys"]

_logger = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds in which the logs should have read their keys and rules: they wait for no storage
_LOOK_AGAIN = 0.1  # seconds


async def reread_keys(
    process: Process, intake: Intake, backend: Backend, identity: Identity, access_log: AccessLog | None
) -> None:
    """Trust the store's public keys anew each time that a signal asks for it, then have the logs reread keys and rules.

    Never ends. The record of a reload says what became of all of it.

    Args:
        process: the context of the process; its ``signals.reread`` is awaited, and its ``reload_keys`` is set.
        intake: the side of the server that has the logs.
        backend: answers of the API.
        identity: identity of the server, with the key store.
        access_log: the access log, None if it is off.
    """
    while True:
        await process.signals.reread.wait()
        process.signals.reread.clear()
        problem = await process.pools.housekeeping.run(lambda: _trust_anew(backend, identity))  # needs no storage
        before = intake.reloads()
        process.reload_keys.set()
        if access_log is not None:
            of_logs = "the server ended before the logs had read their keys and the audit rules again"
            try:
                of_logs = await _outcome(intake, before)
            finally:
                access_log.note(reload_event("; ".join(filter(None, (problem, of_logs)))))


async def _outcome(intake: Intake, before: Sequence[int]) -> str:
    """Wait for the reload of the logs, and return why it did not succeed; empty if it did."""
    deadline = time.monotonic() + _PATIENCE
    while any(now <= then for now, then in zip(intake.reloads(), before, strict=True)):
        if time.monotonic() > deadline:
            return f"the logs had not read their keys and the audit rules again after {_PATIENCE:.0f} seconds"
        await asyncio.sleep(_LOOK_AGAIN)
    rules_problem = intake.rules_problem()
    return f"the audit rules could not be reloaded: {rules_problem}" if rules_problem else ""


def _trust_anew(backend: Backend, identity: Identity) -> str:
    """Trust the public keys that the store has now. Return the error, which is also logged; empty if there is none."""
    try:
        keys = identity.trusted()
    except KeyStoreError as error:
        _logger.error("the keys could not be reloaded, so new marks of compromised keys have no effect: %s", error)  # noqa: TRY400 - told whole
        return f"the keys could not be reloaded: {error}"
    if keys != backend.keys:
        backend.believe(keys)
        _logger.info("the public keys were read anew; %d of them are marked as compromised", len(keys.compromised))
    return ""
