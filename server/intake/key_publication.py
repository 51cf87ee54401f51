"""Publication of the keys that sign the logs, each time that they have changed in storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from server.access_log.access_log import AccessLog
from server.access_log.noticed import key_rotation
from server.intake.process import Process
from server.keys.identity import Identity
from server.keys.store import KeyStoreError
from server.workers.messages import REPORT_INTERVAL

__all__ = ["publish_keys"]

_logger = logging.getLogger(__name__)


async def publish_keys(
    process: Process, identity: Identity, signed_by: Callable[[], str], access_log: AccessLog | None
) -> None:
    """Publish the keys of the logs each time that they have changed in storage, and record the change; never ends.

    Args:
        process: the context of the process.
        identity: identity of the server, whose keys are published.
        signed_by: returns the fingerprints of the keys that sign all logs; see ``OpenIntake``.
        access_log: the access log, None if it is off.
    """
    published = ""
    trouble = ""
    while True:
        keys = signed_by()
        try:
            if keys and keys != published and await process.pools.housekeeping.run(partial(identity.publish, keys)):
                if published and access_log is not None:
                    access_log.note(key_rotation(keys))
                published, trouble = keys, ""
        except KeyStoreError as error:
            if str(error) != trouble:
                trouble = str(error)
                _logger.error("the public keys are not published: %s", error)  # noqa: TRY400 - told whole
        await asyncio.sleep(REPORT_INTERVAL)
