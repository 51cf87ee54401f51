"""The logs that a process writes: opening them, and signing statements about them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from server.data_dir.directory import DataDirectory
from server.errors.ingest import EndedWaitError, RefusedError
from server.keys.key_files import KeyStoreError
from server.keys.keyring import Keyring
from server.log.journal_keys import NO_KEYS, JournalKeys
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import fingerprints
from server.process.pools import Pool
from server.retry.trouble import Trouble
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.writer.retention import retention_policies
from server.writer.signed_stream import SignedStream
from server.writer.stream_plan import Retention, StreamPlan
from storage.clock import check_clock
from storage.engine import Engine

__all__ = [
    "keep_alive",
    "open_logs",
    "reload_keys",
    "settle_keys",
    "signed_by",
    "state_changes",
]

_logger = logging.getLogger(__name__)
_DAY = 86_400  # seconds
_SETTLE_AGAIN = 0.5  # seconds between attempts to change keys


def open_logs(
    settings: Settings,
    writer: str,
    data: DataDirectory,
    keys: Keyring,
    engine: Engine,
    give_up: threading.Event,
    clock: Callable[[], float] = time.time,
    journal_keys: JournalKeys = NO_KEYS,
) -> Mapping[Stream, SignedStream]:
    """Go on with a writer's logs, with the keys that signed them last.

    Logs of streams that are no longer signed are included: their journals may have batches, and retention continues.

    Args:
        settings: the settings.
        writer: the writer's name.
        data: remembers how far the logs went.
        keys: the keys to sign with, and those that did before.
        engine: the storage.
        give_up: once set, nothing is repeated any more.
        clock: the time of statements, in seconds since the epoch; records are received by the same clock.
        journal_keys: the keys of the journals.

    Raises:
        LogUnusableError: a log in storage is not the one this writer wrote.
        JournalDamagedError: the journal cannot be read.
        DataDirectoryError: a file of the data directory is damaged.
        KeyStoreError: a key is missing or cannot be used.
        StorageError: storage cannot be read.
    """
    check_clock(engine)
    names = {stream: LogName(settings.deployment, stream, writer) for stream in Stream}
    retention = _retention(settings)
    in_commits = settings.ack is Acknowledge.COMMIT
    return {
        stream: SignedStream(
            StreamPlan(name, settings.journal_bytes, settings.batch_bytes, retention[stream], in_commits),
            data,
            keys,
            engine,
            give_up,
            clock,
            journal_keys,
        )
        for stream, name in names.items()
        if stream in settings.signed_streams or _was_signed(data, name)
    }


def _was_signed(data: DataDirectory, name: LogName) -> bool:
    return data.journal(name.stream.value).exists() or data.last_checkpoint(name) is not None


def _retention(settings: Settings) -> dict[Stream, Retention]:
    return {
        stream: Retention(
            None if policy.shortest is None else policy.shortest * _DAY, policy.text() if policy.rules else ""
        )
        for stream, policy in retention_policies(settings).items()
    }


def state_changes(settings: Settings, logs: Mapping[Stream, SignedStream]) -> None:
    """State what has changed since logs were written last: the keys that sign, how long records are kept.

    With a journal that is stored behind those who send, keys change in its order, and nothing waits for that. Of a
    stream that is no longer signed, only the retention is stated: nothing else is signed there.

    Raises:
        KeyStoreError: a key cannot be used.
        SigningError: a key cannot be used now.
        StorageError: storage cannot be read, or took no statement.
    """
    for stream, signed in logs.items():
        signed.state_changes(keys=stream in settings.signed_streams)


def reload_keys(streams: Iterable[SignedStream], keys: Keyring) -> None:
    """Have logs signed by other keys as soon as possible, if the stores have others; does not wait for storage.

    What goes wrong is logged, and changes nothing.
    """
    signers: dict[str, Signer | None] = {}
    for log in (log for stream in streams for log in stream):
        holder = keys.holder(log.name.tenant)
        if holder not in signers:
            try:
                signers[holder] = keys.signer(holder)
            except KeyStoreError as error:
                signers[holder] = None
                message = "%s: the key change failed, the same keys still sign: %s"
                _logger.error(message, log.name.origin, error)  # noqa: TRY400 - told whole
        if (signer := signers[holder]) is not None:
            log.change_keys(signer)


async def settle_keys(pool: Pool, streams: Iterable[SignedStream], *, in_commits: bool) -> None:
    """Make changes of keys that are pending, again and again where nothing comes that would make them; never ends.

    Args:
        pool: the thread pool in which they are made.
        streams: the streams of the logs.
        in_commits: their batches are stored by those who commit them, and not by a thread behind a journal.
    """
    streams = tuple(streams)
    troubles: dict[str, Trouble] = {}
    while True:
        await asyncio.sleep(_SETTLE_AGAIN)
        for stream in streams:
            pending = [log.name.origin for log in stream if log.writer.keys.pending]
            if not pending:
                continue
            if not in_commits:
                stream.stream.wake()
                continue
            name = stream.name.stream.value
            trouble = troubles.setdefault(
                name, Trouble(_logger, f"{pending[0]}: keys cannot be changed", f"{pending[0]}: keys can be changed")
            )
            try:
                await pool.run(stream.stream.settle_keys)
            except EndedWaitError:
                return
            except RefusedError as error:
                trouble.goes_on(str(error))
            else:
                trouble.ends()


def signed_by(streams: Iterable[SignedStream], keys: Keyring) -> dict[str, str]:
    """Return who signs logs, as storage has it.

    Returns:
        By the holder of keys, the fingerprints of the keys that sign all logs which are to be signed with its keys;
        empty while that changes.
    """
    found: dict[str, Signer | None] = {}
    for log in (log for stream in streams for log in stream):
        holder, stated = keys.holder(log.name.tenant), log.stated_keys
        first = found.setdefault(holder, stated)
        if first is not stated and (first is None or stated is None or fingerprints(first) != fingerprints(stated)):
            found[holder] = None
    return {holder: "" if signer is None else fingerprints(signer) for holder, signer in found.items()}


async def keep_alive(pool: Pool, streams: Iterable[SignedStream], interval: float) -> None:
    """Sign a heartbeat for each log at regular intervals; never returns.

    Heartbeats prove that a log was silent, or between which times its records were received.

    Args:
        pool: pool whose threads sign and store the statements.
        streams: the streams of the logs.
        interval: seconds between statements.
    """
    while True:
        await asyncio.sleep(interval)
        for stream in streams:
            await pool.run(stream.state_heartbeats)
