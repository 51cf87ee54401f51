"""Which logs are a server's own: its name, its workers' names, and the key that signs under all of them."""

from __future__ import annotations

from dataclasses import dataclass

from server.config import Settings
from server.datadir import DataDirectory
from server.notary.chain import TrustedKeys
from server.notary.note import Signer
from server.notary.origin import LogName, Stream

__all__ = ["Identity", "identify"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server is.

    Attributes:
        writer: the name it writes under; its workers' names begin with it.
        signer: its key.
        keys: the public keys it believes, its own among them.
        logs: the logs it has when it runs alone.
        workers_logs: the logs of all workers that it has or ever had.
    """

    writer: str
    signer: Signer
    keys: TrustedKeys
    logs: tuple[LogName, ...]
    workers_logs: tuple[LogName, ...]

    def writer_of(self, worker: int) -> str:
        """Return the name that a worker writes under."""
        return _writer_of(self.writer, worker)


def identify(settings: Settings, data: DataDirectory) -> Identity:
    """Find out who a server is, and publish the keys of all its logs.

    Raises:
        DataDirectoryError: what the data directory holds cannot be used.
    """
    writer = data.writer(settings.writer)
    signer = data.signer()
    logs = _logs_of(settings.deployment, writer)
    started = range(1, settings.workers + 1) if settings.workers > 1 else ()
    workers_logs = [
        log
        for number in sorted({*data.workers(), *started})
        for log in _logs_of(settings.deployment, _writer_of(writer, number))
    ]
    data.publish_keys(signer, (*logs, *workers_logs))
    # A checkpoint that was damaged is noticed now, and not when somebody wants to verify.
    data.checkpoints(workers_logs)
    own_key = signer.verifier_key(logs[0].origin).public_key
    keys = TrustedKeys(settings.public_keys.named, (own_key, *settings.public_keys.unnamed))
    return Identity(writer, signer, keys, tuple(logs), tuple(workers_logs))


def _writer_of(writer: str, worker: int) -> str:
    return f"{writer}-{worker}"


def _logs_of(deployment: str, writer: str) -> list[LogName]:
    return [LogName(deployment, stream, writer) for stream in Stream]
