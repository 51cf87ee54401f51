"""litewitness, a third-party witness (filippo.io/torchwood), built with Go at its first use."""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.bound_process import BoundProcess
from harness.free_port import free_port
from harness.go_program import LITEWITNESS, installed
from harness.lacking import require_tools
from harness.waiting import wait_for
from server.notary.keys import KeyType, VerifierKey


@dataclass(frozen=True)
class LiteWitness:
    """A running witness; ``database`` is the file of its state."""

    url: str
    verifier_key: VerifierKey
    database: Path
    process: BoundProcess

    def add_log(self, origin: str, keys: Sequence[VerifierKey]) -> None:
        """Register a log, as ``witnessctl add-log`` and ``add-key`` do."""
        empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (origin, empty))
            database.executemany("INSERT INTO key (origin, key) VALUES (?, ?)", [(origin, str(key)) for key in keys])

    def size(self, origin: str) -> int:
        """Return the size of the latest checkpoint it cosigned."""
        with closing(sqlite3.connect(self.database)) as database:
            ((size,),) = database.execute("SELECT tree_size FROM log WHERE origin = ?", (origin,)).fetchall()
            return int(size)


@contextmanager
def running_litewitness(directory: Path, name: str = "litewitness.example") -> Iterator[LiteWitness]:
    """Run a witness with a new key until the block ends; the directory's path must be short, for a socket."""
    require_tools("ssh-agent", "ssh-add")
    program = installed(LITEWITNESS)
    key = Ed25519PrivateKey.generate()
    socket, port = directory / "agent", free_port()
    agent = BoundProcess(["ssh-agent", "-D", "-a", str(socket)], log=directory / "agent.log")
    arguments = ["-name", name, "-key", _fingerprint(key), "-ssh-agent", str(socket), "-db", str(directory / "db")]
    witness = BoundProcess(
        [str(program), *arguments, "-listen", f"127.0.0.1:{port}"], log=directory / "log", cwd=directory
    )
    public = VerifierKey(name, key.public_key().public_bytes_raw(), KeyType.ED25519_COSIGNATURE)
    agent.start()
    try:
        wait_for(socket.exists)
        _add_to_agent(key, socket, directory)
        witness.start()
        wait_for(lambda: "msg=listening" in witness.log_text() or not witness.running)
        if not witness.running:
            raise RuntimeError(f"litewitness ended: {witness.log_tail()}")
        yield LiteWitness(f"http://127.0.0.1:{port}", public, directory / "db", witness)
    finally:
        witness.stop()
        agent.stop()


def _fingerprint(key: Ed25519PrivateKey) -> str:
    encoded = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(encoded.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _add_to_agent(key: Ed25519PrivateKey, socket: Path, directory: Path) -> None:
    pem = directory / "key"
    pem.touch(mode=0o600)
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    )
    environment = os.environ | {"SSH_AUTH_SOCK": str(socket)}
    subprocess.run(["ssh-add", "-q", str(pem)], check=True, env=environment, stdin=subprocess.DEVNULL, timeout=60)
    pem.unlink()
