"""Publication of the public keys of all logs, in files for everyone who verifies.

``verifier-keys.txt`` has the verifier keys of the logs of the server and its workers, and of the logs of tenants and
access logs that exist. A tenant with a key of its own has such a file too, with all logs that it has or may have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from server.data_dir.kept_notes import count_tenant_logs, tenant_origins
from server.keys.keyring import Keyring
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import fingerprints

__all__ = ["KeyPublisher"]


class KeyPublisher:
    """Publishes the keys that sign logs, as storage has it: with others, every signature would fail to verify."""

    def __init__(self, keys: Keyring, data_dir: Path, logs: Collection[LogName]) -> None:
        """Create a publisher.

        Args:
            keys: the keys of all logs.
            data_dir: the data directory.
            logs: the logs of the server and its workers, but for those of tenants.
        """
        self._keys = keys
        self._data_dir = data_dir
        self._logs = tuple(dict.fromkeys(logs))
        self._published: dict[str, str] = {}
        self._signers: dict[str, Signer] = {}
        self._further = -1

    def publish(self, signed_by: Mapping[str, str]) -> dict[str, str]:
        """Publish what has changed: keys that sign all logs of their holder now, and keys of logs that are new.

        Args:
            signed_by: fingerprints of the keys that sign the logs, as storage has it, by the holder of these keys;
                empty during a change.

        Returns:
            The fingerprints of keys that replaced others, by their holders.

        Raises:
            KeyStoreError: a key cannot be used, or the keys cannot be written.
            DataDirectoryError: the logs of tenants cannot be read.
        """
        changed = {
            holder: signer
            for holder, names in signed_by.items()
            if names and names != self._published.get(holder) and (signer := self._signer(holder, names)) is not None
        }
        further = count_tenant_logs(self._data_dir)
        if not changed and further == self._further:
            return {}
        self._signers |= changed
        # A new log of a holder whose keys are just changing may have either.
        settled = {
            holder: signer
            for holder, signer in self._signers.items()
            if signed_by.get(holder) in (None, fingerprints(signer))
        }
        for tenant, signer in changed.items():
            if tenant:
                self._keys.store(tenant).publish(self._logs_of(tenant), signer)
        self._publish_all(settled)
        replaced = {holder: signed_by[holder] for holder in changed if holder in self._published}
        self._published |= {holder: signed_by[holder] for holder in changed}
        self._further = further
        return replaced

    def _signer(self, holder: str, names: str) -> Signer | None:
        """Return the current keys of a holder if they have these fingerprints."""
        if self._keys.holder(holder) != holder:
            return None
        signer = self._keys.signer(holder)
        return signer if fingerprints(signer) == names else None

    def _publish_all(self, settled: Mapping[str, Signer]) -> None:
        store = self._keys.server
        before: dict[str, list[VerifierKey]] = {}
        for key in store.published_keys():
            before.setdefault(key.name, []).append(key)

        def keys_of(name: LogName) -> Collection[VerifierKey]:
            signer = settled.get(self._keys.holder(name.tenant))
            return before.get(name.origin, ()) if signer is None else signer.verifier_keys(name.origin)

        others = [key for name in self._others() for key in keys_of(name)]
        if "" in settled:
            store.publish(self._logs, settled[""], others)
        else:
            store.publish_keys([*(key for name in self._logs for key in keys_of(name)), *others])

    def _others(self) -> list[LogName]:
        """Return the logs of tenants and the access logs: those that exist, and all of tenants with their own keys."""
        writers = {(name.deployment, name.writer) for name in self._logs}
        known = [
            name
            for origin in tenant_origins(self._data_dir)
            for deployment in {deployment for deployment, _ in writers}
            if ((name := LogName.parse(origin, deployment)).deployment, name.writer) in writers
        ]
        own = [name for tenant in sorted(self._keys.own) for name in self._logs_of(tenant)]
        return list(dict.fromkeys([*known, *own]))

    def _logs_of(self, tenant: str) -> list[LogName]:
        names = [LogName(name.deployment, name.stream, name.writer, tenant) for name in self._logs]
        audit = [name for name in names if name.stream is Stream.AUDIT]
        return [*names, *(LogName(name.deployment, name.stream, name.writer, tenant, access=True) for name in audit)]
