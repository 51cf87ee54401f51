"""Rereading of keys on request: the API trusts the public keys that the store has now."""

from __future__ import annotations

import logging

from server.access_log.access_log import AccessLog
from server.access_log.noticed import reload_event
from server.api.backend import Backend
from server.intake.process import Process
from server.keys.identity import Identity
from server.keys.store import KeyStoreError

__all__ = ["reread_keys"]

_logger = logging.getLogger(__name__)


async def reread_keys(process: Process, backend: Backend, identity: Identity, access_log: AccessLog | None) -> None:
    """Trust the store's public keys anew each time that a signal asks for it, then have the logs reread theirs.

    Never ends.

    Args:
        process: the context of the process; its ``signals.reread`` is awaited, and its ``reload_keys`` is set.
        backend: answers of the API.
        identity: identity of the server, with the key store.
        access_log: the access log, None if it is off.
    """
    while True:
        await process.signals.reread.wait()
        process.signals.reread.clear()
        problem = await process.pools.housekeeping.run(lambda: _trust_anew(backend, identity))  # needs no storage
        if access_log is not None:
            access_log.note(reload_event(problem))
        process.reload_keys.set()


def _trust_anew(backend: Backend, identity: Identity) -> str:
    """Trust the public keys that the store has now. Return the error, which is also logged; empty if there is none."""
    try:
        keys = identity.trusted()
    except KeyStoreError as error:
        _logger.error("the keys could not be reloaded, so new marks of compromised keys have no effect: %s", error)  # noqa: TRY400 - told whole
        return str(error)
    if keys != backend.keys:
        backend.believe(keys)
        _logger.info("the public keys were read anew; %d of them are marked as compromised", len(keys.compromised))
    return ""
