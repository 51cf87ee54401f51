"""A log as a server hands it out over HTTP, and the evidence that is got so."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

__all__ = ["ORIGIN", "SIZES", "Consistency", "Inclusion", "ServedLog"]

ORIGIN = "shop/operational/a"
SIZES = (1, 255, 256, 257, 512, 600)  # after each batch: on both sides of what fits into a tile

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Proof that a record is in a log.

    Attributes:
        verifier_keys: Ed25519, then ML-DSA-44.
        checkpoint: a signed note.
        index: the entry's number.
        record: the canonical record.
        path: the inclusion proof.
    """

    verifier_keys: Sequence[str]
    checkpoint: str
    index: int
    record: bytes
    path: Sequence[bytes]

    @property
    def tlog_proof(self) -> str:
        """The proof as C2SP tlog-proof has it."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.path)
        return f"c2sp.org/tlog-proof@v1\nindex {self.index}\n{hashes}\n{self.checkpoint}"


@dataclass(frozen=True, slots=True)
class Consistency:
    """Proof that one checkpoint extends another."""

    verifier_keys: Sequence[str]
    earlier: str
    checkpoint: str
    path: Sequence[bytes]


class ServedLog:
    """A log, over the server's HTTP API. What was asked once is not asked again: none of it ever changes.

    Attributes:
        api: the URL of its calls, ``/api/v1/logs/<log>``.
        url: the URL of its files, ``/tlog/<LogId>``.
        verifier_keys: Ed25519, then ML-DSA-44; from the server's own file, and not over HTTP.
    """

    def __init__(self, api: str, url: str, verifier_keys: Sequence[str]) -> None:
        self.api = api
        self.url = url
        self.verifier_keys = verifier_keys
        self._answers: dict[str, bytes] = {}

    def file(self, path: str) -> bytes:
        """Return one of its files; the checkpoint too is always the same, for nothing is added any more."""
        return self._get(f"{self.url}/{path}")

    def checkpoint(self, size: int) -> str:
        """Return the signed note after so many entries."""
        return str(self._call(f"checkpoint?tree_size={size}")["checkpoint"])

    def inclusion(self, index: int, size: int) -> Inclusion:
        """Return the evidence of an entry."""
        answer = self._call(f"inclusion-proof?leaf_index={index}&tree_size={size}&include_record=true")
        record = base64.b64decode(answer["record"])
        found = Inclusion(self.verifier_keys, answer["checkpoint"], index, record, _hashes(answer["path"]))
        assert answer["tlogProof"] == found.tlog_proof
        return found

    def consistency(self, first: int, second: int) -> Consistency:
        """Return the evidence that one tree goes on from the other."""
        answer = self._call(f"consistency-proof?first={first}&second={second}")
        notes = answer["firstCheckpoint"], answer["secondCheckpoint"]
        return Consistency(self.verifier_keys, *notes, _hashes(answer["path"]))

    def _call(self, call: str) -> Mapping[str, Any]:
        return dict(json.loads(self._get(f"{self.api}/{call}")))

    def _get(self, url: str) -> bytes:
        if url not in self._answers:
            self._answers[url] = httpx.get(url, timeout=_SECONDS).raise_for_status().content
        return self._answers[url]


def _hashes(texts: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]
