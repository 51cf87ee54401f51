"""The identity of a server: its writer's name, its workers' names, its logs, and the keys that sign them."""

from __future__ import annotations

from dataclasses import dataclass

from server.data_dir.directory import DataDirectory, journals
from server.data_dir.kept_notes import read_checkpoints
from server.keys.pkcs11 import open_key
from server.keys.store import KeyStore, KeyStoreError
from server.notary.errors import SigningError
from server.notary.origin import LogName, Stream
from server.notary.signers import SigningKey
from server.notary.trust import TrustedKeys, fingerprints
from server.settings.settings import Settings

__all__ = ["Identity", "identify", "key_store"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a server.

    Attributes:
        writer: name of the writer; its workers' names begin with it.
        store: key store of the server.
        others: trusted public keys of other writers.
        logs: logs of a server without workers.
        workers_logs: logs of all workers that the server has or ever had.
        unsigned_streams: streams that the server does not sign.
    """

    writer: str
    store: KeyStore
    others: TrustedKeys
    logs: tuple[LogName, ...]
    workers_logs: tuple[LogName, ...]
    unsigned_streams: frozenset[Stream] = frozenset()

    def trusted(self) -> TrustedKeys:
        """Read the trusted public keys, including the server's own, with the marks of compromised keys.

        The result also names the streams that the server does not sign.

        Raises:
            KeyStoreError: a key cannot be used, or the marks of compromised keys cannot be read.
        """
        return self.store.trusted() + self.others + TrustedKeys(unsigned_streams=self.unsigned_streams)

    def signing_key(self) -> SigningKey:
        """Return the Ed25519 key that signs now.

        Raises:
            SigningError: it cannot be used.
        """
        try:
            return self.store.signer().ed25519
        except KeyStoreError as error:
            raise SigningError(str(error)) from error

    def publish(self, signed_by: str) -> bool:
        """Publish the public keys of all logs, unless other keys sign the logs now.

        With a key for which storage has no statement yet, every signature would fail to verify.

        Args:
            signed_by: fingerprints of the keys that sign the logs, according to storage.

        Returns:
            True if the current keys of the store are these, and were published.

        Raises:
            KeyStoreError: a key cannot be used, or the keys cannot be written.
        """
        signer = self.store.signer()
        if fingerprints(signer) != signed_by:
            return False
        self.store.publish((*self.logs, *self.workers_logs), signer)  # not one that replaced it meanwhile
        return True

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


def identify(settings: Settings, data: DataDirectory) -> Identity:
    """Return the identity of a server, and publish the keys of all its logs, unless other keys were published before.

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
    own = key_store(settings)
    if read_checkpoints(settings.data_dir):
        own.check_not_lost(f"{settings.data_dir} has checkpoints of logs that it signed")
    elif any(journals(settings.data_dir)):
        own.check_not_lost(f"{settings.data_dir} has a journal with batches that it signed")
    if own.published() in (None, own.signer().ed25519.public_key):
        own.publish((*logs, *workers_logs))
    # Read now, so that a damaged checkpoint is noticed at start and not only when somebody verifies.
    data.kept(workers_logs)
    unsigned = frozenset(settings.unsigned_streams)
    return Identity(writer, own, settings.public_keys, tuple(logs), tuple(workers_logs), unsigned)


def _writer_of(writer: str, worker: int) -> str:
    return f"{writer}-{worker}"


def _logs_of(deployment: str, writer: str) -> list[LogName]:
    return [LogName(deployment, stream, writer) for stream in Stream]
