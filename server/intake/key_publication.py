"""Publication of the keys that sign the logs, each time that they have changed in storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from server.access_log.access_log import AccessLog
from server.access_log.noticed import key_rotation
from server.data_dir.errors import DataDirectoryError
from server.intake.process import Process
from server.keys.publisher import KeyPublisher
from server.keys.store import KeyStoreError
from server.workers.messages import REPORT_INTERVAL

__all__ = ["publish_keys"]

_logger = logging.getLogger(__name__)


async def publish_keys(
    process: Process, publisher: KeyPublisher, signed_by: Callable[[], Mapping[str, str]], access_log: AccessLog | None
) -> None:
    """Publish the keys of the logs when they have changed in storage, or when there are more logs; never ends.

    A change of keys is recorded.

    Args:
        process: the context of the process.
        publisher: publishes the keys.
        signed_by: returns the fingerprints of the keys that sign all logs; see ``OpenIntake``.
        access_log: the access log, None if it is off.
    """
    trouble = ""
    while True:
        try:
            replaced = await process.pools.housekeeping.run(partial(publisher.publish, signed_by()))
        except (DataDirectoryError, KeyStoreError) as error:
            if str(error) != trouble:
                trouble = str(error)
                _logger.error("the public keys are not published: %s", error)  # noqa: TRY400 - told whole
        else:
            trouble = ""
            if access_log is not None:
                for holder, keys in replaced.items():
                    access_log.note(key_rotation(keys, holder))
        await asyncio.sleep(REPORT_INTERVAL)
