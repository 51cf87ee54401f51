"""Which logs are a server's own: its name, its workers' names, and the key that signs under all of them."""

from __future__ import annotations

from dataclasses import dataclass

from server.data_dir.directory import DataDirectory
from server.keys.pkcs11 import open_key
from server.keys.store import KeyStore
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys, fingerprints
from server.settings.settings import Settings

__all__ = ["Identity", "identify", "key_store"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server is.

    Attributes:
        writer: the name it writes under; its workers' names begin with it.
        store: the keys that it signs with.
        others: the public keys of other writers that it believes.
        logs: the logs it has when it runs alone.
        workers_logs: the logs of all workers that it has or ever had.
    """

    writer: str
    store: KeyStore
    others: TrustedKeys
    logs: tuple[LogName, ...]
    workers_logs: tuple[LogName, ...]

    def trusted(self) -> TrustedKeys:
        """Read the public keys that it believes, its own among them, and which of its own others may have.

        Raises:
            KeyStoreError: a key cannot be used, or the marks of compromised keys cannot be read.
        """
        return self.store.trusted() + self.others

    def publish(self, signed_by: str) -> bool:
        """Write down the public keys of all its logs, unless others sign these now.

        Whoever verifies with a key that storage has no statement of would find every signature wrong.

        Args:
            signed_by: the fingerprints of the keys that sign the logs, as storage has it.

        Returns:
            Whether the keys that the store has now are these, and were written down.

        Raises:
            KeyStoreError: a key cannot be used, or nothing can be written.
        """
        if fingerprints(self.store.signer()) != signed_by:
            return False
        self.store.publish((*self.logs, *self.workers_logs))
        return True

    def writer_of(self, worker: int) -> str:
        """Return the name that a worker writes under."""
        return _writer_of(self.writer, worker)


def key_store(settings: Settings) -> KeyStore:
    """Return the keys that a server signs with, and those that it signed with before."""
    return KeyStore(
        settings.data_dir / "keys",
        token_uri=settings.signing_key,
        former_uris=settings.retired_keys,
        ml_dsa=settings.ml_dsa,
        open_token=open_key,
    )


def identify(settings: Settings, data: DataDirectory) -> Identity:
    """Find out who a server is, and publish the keys of all its logs, unless others were published before.

    Raises:
        DataDirectoryError: what the data directory holds cannot be used.
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
    if own.published() in (None, own.signer().ed25519.public_key):
        own.publish((*logs, *workers_logs))
    # A checkpoint that was damaged is noticed now, and not when somebody wants to verify.
    data.kept(workers_logs)
    return Identity(writer, own, settings.public_keys, tuple(logs), tuple(workers_logs))


def _writer_of(writer: str, worker: int) -> str:
    return f"{writer}-{worker}"


def _logs_of(deployment: str, writer: str) -> list[LogName]:
    return [LogName(deployment, stream, writer) for stream in Stream]
