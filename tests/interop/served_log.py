"""A log as a server hands it out over HTTP, and the evidence that is got so."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

__all__ = ["Consistency", "Inclusion", "ServedLog"]

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What shows that a record is in a log.

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
    """What shows that one checkpoint goes on from another."""

    verifier_keys: Sequence[str]
    earlier: str
    checkpoint: str
    path: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ServedLog:
    """A log, over the server's HTTP API.

    Attributes:
        api: the URL of its calls, ``/api/v1/logs/<log>``.
        url: the URL of its files, ``/tlog/<LogId>``.
        verifier_keys: Ed25519, then ML-DSA-44; from the server's own file, and not over HTTP.
    """

    api: str
    url: str
    verifier_keys: Sequence[str]

    def file(self, path: str) -> bytes:
        """Return one of its files."""
        return httpx.get(f"{self.url}/{path}", timeout=_SECONDS).raise_for_status().content

    def checkpoint(self, size: int) -> str:
        """Return the signed note after so many entries."""
        return str(self.call("checkpoint", tree_size=size)["checkpoint"])

    def inclusion(self, index: int, size: int) -> Inclusion:
        """Return the evidence of an entry."""
        answer = self.call("inclusion-proof", leaf_index=index, tree_size=size, include_record="true")
        record = base64.b64decode(answer["record"])
        found = Inclusion(self.verifier_keys, answer["checkpoint"], index, record, _hashes(answer["path"]))
        assert answer["tlogProof"] == found.tlog_proof
        return found

    def consistency(self, first: int, second: int) -> Consistency:
        """Return the evidence that one tree goes on from the other."""
        answer = self.call("consistency-proof", first=first, second=second)
        notes = answer["firstCheckpoint"], answer["secondCheckpoint"]
        return Consistency(self.verifier_keys, *notes, _hashes(answer["path"]))

    def call(self, name: str, **parameters: str | int) -> Mapping[str, Any]:
        """Return the answer to a call."""
        answer = httpx.get(f"{self.api}/{name}", params=parameters, timeout=_SECONDS).raise_for_status().json()
        assert isinstance(answer, dict)
        return answer


def _hashes(texts: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]
