"""A process that writes many logs of a stream: ``python many_logs_process.py URL DIRECTORY SEED LOGS WAY ROUNDS``.

It goes on with the logs, appends or commits one record to each log in each round, and prints the number of each round
whose records were acknowledged. It writes without end if ROUNDS is 0.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.log.journal import Journal
from server.log.open_log import LogRecords
from server.notary.batch import Batch
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, Signer
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.codec.building import rows
from tests.log.writers import begin_log, stream_writer

__all__ = ["names_of", "signer_of"]


def names_of(count: int) -> list[LogName]:
    """Return the names of the logs."""
    return [LogName("example.org", Stream.OPERATIONAL, f"tenant-{number}") for number in range(count)]


def signer_of(seed: str) -> Signer:
    """Return the key that signs the logs, from 64 hex digits."""
    return Signer(Ed25519Key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))))


def main(url: str, directory: Path, seed: str, logs: int, way: str, rounds: int) -> None:
    """Write until the end."""
    engine, names, signer = connect(parse_storage_url(url)), names_of(logs), signer_of(seed)
    if not directory.exists():
        stated = Journal(directory.with_name("statements"), 1 << 20)
        for name in names:
            begin_log(engine, stated, name, signer, time.time())
    journal = Journal(directory, 64 << 20)
    writer, _ = stream_writer(engine, journal, names, signer)
    if way == "append":
        threading.Thread(target=writer.store_appended, daemon=True).start()
    else:
        writer.store_waiting()
    run = time.time_ns()
    for number in itertools.count() if not rounds else range(rounds):
        now, text = time.time_ns(), f"{run}-{number}"
        records = {name: LogRecords([rows(name.stream, text, ingested_at=now)]) for name in names}
        outcomes = writer.append(records) if way == "append" else writer.commit(records)
        if not all(isinstance(outcome, Batch) for outcome in outcomes.values()):
            raise SystemExit(f"refused: {outcomes}")
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    writer.store_waiting()
    journal.close()
    engine.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5], int(sys.argv[6]))
