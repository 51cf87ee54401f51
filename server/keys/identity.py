"""The identity of a server: its writer's name, its workers' names, its logs, and the keys that sign them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server.data_dir.directory import DataDirectory, journals
from server.data_dir.kept_notes import read_checkpoints
from server.keys.in_force import keys_in_force
from server.keys.keyring import Keyring, tenant_stores
from server.keys.pkcs11 import open_key
from server.keys.publisher import KeyPublisher
from server.keys.store import KeyStore, KeyStoreError
from server.notary.errors import SigningError
from server.notary.keys import KeyType
from server.notary.origin import LogName, Stream
from server.notary.signers import SigningKey
from server.notary.trust import TrustedKeys, fingerprint, fingerprints
from server.settings.settings import Settings
from server.settings.tenant_rules import tenants_with_keys

__all__ = ["Identity", "identify", "key_store", "keyring"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a server.

    Attributes:
        writer: name of the writer; its workers' names begin with it.
        keys: keys of all logs of the server.
        deployment: name of the deployment.
        others: trusted public keys of other writers.
        logs: logs of a server without workers, but for those of tenants.
        workers_logs: such logs of all workers that the server has or ever had.
        publisher: publishes the public keys.
        unsigned_streams: streams that the server does not sign.
    """

    writer: str
    keys: Keyring
    deployment: str
    others: TrustedKeys
    logs: tuple[LogName, ...]
    workers_logs: tuple[LogName, ...]
    publisher: KeyPublisher
    unsigned_streams: frozenset[Stream] = frozenset()

    @property
    def store(self) -> KeyStore:
        """Key store of the server."""
        return self.keys.server

    def trusted(self) -> TrustedKeys:
        """Read the trusted public keys, including the server's own, with the marks of compromised keys.

        Keys of tenants are trusted for the logs of these tenants alone. The result also names the streams that the
        server does not sign.

        Raises:
            KeyStoreError: a key cannot be used, or the marks of compromised keys cannot be read.
        """
        unsigned = TrustedKeys(unsigned_streams=self.unsigned_streams)
        return self.keys.trusted(self.deployment) + self.others + unsigned

    def signing_key(self) -> SigningKey:
        """Return the Ed25519 key that signs now.

        Raises:
            SigningError: it cannot be used.
        """
        try:
            return self.store.signer().ed25519
        except KeyStoreError as error:
            raise SigningError(str(error)) from error

    def writers(self, workers: int) -> list[str]:
        """Return the writers' names of the processes that write logs, of a server with a number of workers."""
        return [self.writer] if workers == 1 else [self.writer_of(number) for number in range(1, workers + 1)]

    def writer_of(self, worker: int) -> str:
        """Return the writer's name of a worker."""
        return _writer_of(self.writer, worker)


def key_store(settings: Settings) -> KeyStore:
    """Return the key store of a server, with its current and its replaced keys."""
    return KeyStore(
        settings.data_dir / "keys",
        token_uri=settings.signing_key,
        former_uris=settings.retired_keys,
        ml_dsa=settings.ml_dsa,
        open_token=open_key,
    )


def keyring(settings: Settings) -> Keyring:
    """Return the keys of all logs of a server; those of tenants are in files, wherever the server's key is."""

    def open_store(directory: Path) -> KeyStore:
        return KeyStore(directory, ml_dsa=settings.ml_dsa)

    own = tenants_with_keys(settings.tenants)
    return Keyring(key_store(settings), tenant_stores(settings.data_dir / "keys", own, open_store), own)


def identify(settings: Settings, data: DataDirectory) -> Identity:
    """Return the identity of a server, and publish the keys of all its logs, unless other keys were published before.

    Keys that are missing are created, those of tenants too, so that their public keys can be given away before the
    first record.

    Raises:
        DataDirectoryError: the content of the data directory cannot be used.
        KeyStoreError: a key cannot be used.
    """
    writer = data.writer(settings.writer)
    logs = _logs_of(settings.deployment, writer)
    started = range(1, settings.workers + 1) if settings.workers > 1 else ()
    workers_logs = [
        log
        for number in sorted({*data.workers(), *started})
        for log in _logs_of(settings.deployment, _writer_of(writer, number))
    ]
    keys = keyring(settings)
    own = keys.server
    notes = read_checkpoints(settings.data_dir)
    if notes:
        own.check_not_lost(f"{settings.data_dir} has checkpoints of logs that it signed")
    elif any(journals(settings.data_dir)):
        own.check_not_lost(f"{settings.data_dir} has a journal with batches that it signed")
    publisher = KeyPublisher(keys, settings.data_dir, (*logs, *workers_logs))
    _begin_to_publish(settings, keys, publisher, notes)
    # Read now, so that a damaged checkpoint is noticed at start and not only when somebody verifies.
    data.kept(workers_logs)
    unsigned = frozenset(settings.unsigned_streams)
    names = tuple(logs), tuple(workers_logs)
    return Identity(writer, keys, settings.deployment, settings.public_keys, *names, publisher, unsigned)


def _begin_to_publish(settings: Settings, keys: Keyring, publisher: KeyPublisher, notes: Iterable[str]) -> None:
    """Create missing keys, and publish keys that are not published yet, or once more for logs that came since."""
    others, servers = _signed_tenants(settings.deployment, keys, notes)
    said = {}
    for holder in ("", *sorted(keys.own)):
        store = keys.store(holder)
        if holder in others:
            store.check_not_lost(f"{settings.data_dir} has checkpoints of logs of the tenant {holder} that it signed")
        signer = store.signer()
        # Storage has to have a statement first that the tenant's key replaces the server's.
        if holder not in servers and store.published() in (None, signer.ed25519.public_key):
            said[holder] = fingerprints(signer)
    publisher.publish(said)


def _signed_tenants(deployment: str, keys: Keyring, notes: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the tenants, of those with keys of their own, with a log that other keys than the server's sign.

    The second set has the tenants of whose logs the server's keys sign one.

    Args:
        deployment: name of the deployment.
        keys: keys of all logs.
        notes: the last checkpoints and statements of all logs.
    """
    tenants = {f"{deployment}/{tenant}": tenant for tenant in keys.own}
    wanted = [note for note in notes if _owner(note) in tenants]
    if not wanted:
        return set(), set()
    public = [key.public_key for key in keys.server.known().keys if key.key_type is KeyType.ED25519]
    of_server = set(map(fingerprint, public))
    others, servers = set(), set()
    for origin, signers in keys_in_force(wanted, public).items():
        tenant = tenants[_owner(origin)]
        if signers <= of_server and signers:
            servers.add(tenant)
        else:
            others.add(tenant)
    return others, servers


def _owner(note: str) -> str:
    """Return whose log a note is about, as it stands in the origin, which is the first line."""
    return note.partition("\n")[0].rsplit("/", 2)[0]


def _writer_of(writer: str, worker: int) -> str:
    return f"{writer}-{worker}"


def _logs_of(deployment: str, writer: str) -> list[LogName]:
    return [LogName(deployment, stream, writer) for stream in Stream]
