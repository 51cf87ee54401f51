"""Logs of a stream as storage, the journal and the data directory have them, before they are gone on with."""

from __future__ import annotations

from collections.abc import Sequence

from server.data_dir.directory import DataDirectory
from server.keys.keyring import Keyring
from server.keys.known_keys import KnownKeys
from server.log.journal import Journal
from server.log.recovery import KnownLog, RecoveredLog, recover_logs
from server.log.stated_keys import open_statements
from server.notary.batch import LogState
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.statement import Statement
from server.writer.owned_log import FoundLog
from storage.batch_lookup import read_known_logs
from storage.engine import Engine
from storage.statements import read_stated_logs

__all__ = ["KeysOnce", "find_logs"]


class KeysOnce:
    """Keys of many logs, of which each file is read once."""

    def __init__(self, keys: Keyring) -> None:
        """Read nothing yet."""
        self._keys = keys
        self._signers: dict[str, Signer] = {}
        self._known: dict[str, KnownKeys] = {}

    def signer(self, tenant: str) -> Signer:
        """Return the keys that are to sign a tenant's logs; see ``Keyring``."""
        holder = self._keys.holder(tenant)
        if holder not in self._signers:
            self._signers[holder] = self._keys.signer(holder)
        return self._signers[holder]

    def known(self, tenant: str) -> KnownKeys:
        """Return all keys that may have signed a tenant's logs; see ``Keyring``."""
        holder = tenant if tenant in self._keys.tenants else ""
        if holder not in self._known:
            self._known[holder] = self._keys.known(holder)
        return self._known[holder]


def find_logs(
    engine: Engine,
    data: DataDirectory,
    keyring: Keyring,
    default: LogName,
    names: Sequence[LogName],
    journal: Journal | None,
) -> list[FoundLog]:
    """Find out how logs stand; with the journal also those that are only there.

    Args:
        engine: the storage.
        data: remembers how far the logs went.
        keyring: the keys that may have signed them.
        default: the log of the stream and the writer that has no tenant.
        names: the logs.
        journal: their journal; None if it has nothing of them.

    Raises:
        LogUnusableError, JournalDamagedError, DataDirectoryError, KeyStoreError, StorageError: as ``SignedStream``.
    """
    keys = KeysOnce(keyring)
    stated: dict[LogName, tuple[Statement | None, tuple[VerifierKey, ...]]] = {}

    def may_sign(name: LogName) -> list[VerifierKey]:
        return keys.known(name.tenant).verifier_keys(name.origin)

    def may_state(name: LogName) -> list[VerifierKey]:
        return [key for key in may_sign(name) if key.key_type is KeyType.ED25519]

    def know(logs: Sequence[LogName]) -> dict[LogName, KnownLog]:
        remembered = {name: data.last_statement(name) for name in logs}
        stated.update(open_statements(engine, remembered, may_state))
        return {
            # Nothing may have come since the keys changed: then those before them signed the last batch.
            name: KnownLog({*stated[name][1], *may_sign(name)}, data.last_checkpoint(name))
            for name in logs
        }

    def discover(origin: str) -> tuple[LogName, KnownLog] | None:
        name = LogName.parse(origin, default.deployment)
        if (name.deployment, name.stream, name.writer) != (default.deployment, default.stream, default.writer):
            return None
        return name, know([name])[name]

    fresh: dict[LogName, RecoveredLog] = {}
    if journal is None:
        ids = [name.log_id for name in names]
        stored = read_known_logs(engine, ids) | read_stated_logs(engine, ids)
        for name in names:
            if name.log_id not in stored and data.last_checkpoint(name) is None:
                fresh[name] = RecoveredLog(LogState(name), LogState(name), None, ())
                stated[name] = None, ()
    known = know([name for name in names if name not in fresh])
    recovered = recover_logs(engine, known, journal, discover) if known or journal is not None else {}
    return [FoundLog(name, *stated[name], log) for name, log in (recovered | fresh).items()]
