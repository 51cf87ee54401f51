"""A small witness according to C2SP tlog-witness, with cosignatures according to C2SP tlog-cosignature.

It is written from the specifications; it reuses Lognotary's code for notes, proofs and signatures.
"""

import base64
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from harness.small_http import Answer, Request
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.merkle import EMPTY_ROOT
from server.notary.note import NoteSignature, SignedNote
from server.notary.proofs import verify_consistency

CosignerKey = Ed25519PrivateKey | MLDSA44PrivateKey


class SmallWitness:
    """A witness of configured logs; ``respond`` is to be served over HTTP."""

    def __init__(
        self,
        state: Path,
        logs: Mapping[str, Sequence[VerifierKey]],
        *,
        name: str = "witness.example/w1",
        key: CosignerKey | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Continue from earlier cosignatures.

        Args:
            state: file of the latest cosigned checkpoint of each log; may not exist yet.
            logs: the trusted keys of each log, by origin.
            name: name of its own key.
            key: its own key, else a new one.
            clock: returns the seconds since 1970.
        """
        self._state = state
        self._logs = dict(logs)
        self._key = key or Ed25519PrivateKey.generate()
        key_type = KeyType.ED25519_COSIGNATURE if isinstance(self._key, Ed25519PrivateKey) else KeyType.ML_DSA_44
        self.verifier_key = VerifierKey(name, self._key.public_key().public_bytes_raw(), key_type)
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: dict[str, str] = json.loads(state.read_text()) if state.exists() else {}

    def size(self, origin: str) -> int:
        """Return the size of the latest checkpoint it cosigned, 0 if there is none."""
        return self._cosigned(origin).size

    def respond(self, request: Request) -> Answer:
        if request.method == "POST" and request.path == "/add-checkpoint":
            # One after the other: comparing with the latest checkpoint and replacing it must not be torn apart.
            with self._lock:
                return self._add_checkpoint(request.body)
        if request.method == "GET" and request.path.endswith("/checkpoint"):
            return self._checkpoint(request.path.split("/")[1])
        return Answer(404)

    def _checkpoint(self, origin_hash: str) -> Answer:
        for origin, note in self._latest.items():
            if hashlib.sha256(origin.encode()).hexdigest() == origin_hash:
                return Answer(200, note.encode())
        return Answer(404, b"never cosigned\n")

    def _add_checkpoint(self, body: bytes) -> Answer:
        try:
            old, proof, checkpoint, note = _read_request(body)
        except (ValueError, VerificationError) as error:
            return Answer(400, f"{error}\n".encode())
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return Answer(404, b"unknown log\n")
        try:
            trusted = set(note.verify(keys))
        except VerificationError as error:
            return Answer(403, f"{error}\n".encode())
        if old > checkpoint.size:
            return Answer(400, b"the old size is greater than the checkpoint's\n")
        latest = self._cosigned(checkpoint.origin)
        if old != latest.size:
            return Answer(409, f"{latest.size}\n".encode(), "text/x.tlog.size")
        try:
            verify_consistency(old, checkpoint.size, latest.root, checkpoint.root, proof)
        except VerificationError as error:
            return Answer(422, f"{error}\n".encode())
        cosignature = self.cosign(checkpoint, note.text)
        of_log = [line for line in note.signatures if any(_is_by(line, key) for key in trusted)]
        self._persist(checkpoint.origin, SignedNote(note.text, (*of_log, cosignature)))
        return Answer(200, cosignature.line().encode())

    def cosign(self, checkpoint: Checkpoint, text: str) -> NoteSignature:
        """Sign; overridden by misbehaving witnesses."""
        now = int(self._clock())
        if isinstance(self._key, Ed25519PrivateKey):
            signature = self._key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        else:
            name, origin = self.verifier_key.name.encode(), checkpoint.origin.encode()
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + now.to_bytes(8, "big")
            message += bytes([len(origin)]) + origin + bytes(8) + checkpoint.size.to_bytes(8, "big") + checkpoint.root
            signature = self._key.sign(message)
        return NoteSignature(self.verifier_key.name, self.verifier_key.key_id, now.to_bytes(8, "big") + signature)

    def _cosigned(self, origin: str) -> Checkpoint:
        note = self._latest.get(origin)
        return Checkpoint(origin, 0, EMPTY_ROOT) if note is None else open_checkpoint(note)[0]

    def _persist(self, origin: str, note: SignedNote) -> None:
        self._latest[origin] = str(note)
        written = self._state.with_suffix(".new")
        with written.open("w") as file:
            json.dump(self._latest, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._state)


def _is_by(signature: NoteSignature, key: VerifierKey) -> bool:
    return (signature.name, signature.key_id) == (key.name, key.key_id)


def _read_request(body: bytes) -> tuple[int, list[bytes], Checkpoint, SignedNote]:
    """Read the body of ``add-checkpoint``.

    Raises:
        ValueError, VerificationError: the body is not such a request.
    """
    head, separator, note = body.decode().partition("\n\n")
    first, *hashes = head.split("\n")
    word, _, size = first.partition(" ")
    if not separator or word != "old" or not (size.isascii() and size.isdigit()) or str(int(size)) != size:
        raise ValueError("a request begins with the old size, and has an empty line before the checkpoint")
    if len(hashes) > 63:
        raise ValueError("a request has at most 63 hashes")
    proof = [base64.b64decode(line, validate=True) for line in hashes]
    if any(len(node) != 32 for node in proof):
        raise ValueError("a hash has 32 bytes")
    checkpoint, signed = open_checkpoint(note)
    return int(size), proof, checkpoint, signed
