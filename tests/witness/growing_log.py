"""A log in memory, to be attended: entries, signed checkpoints, and what was kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange, leaf_hash
from server.notary.note import SignedNote
from server.notary.proofs import consistency_path
from server.notary.signers import Signer
from server.witness.errors import LogUnavailableError

ORIGIN = "example.org/audit/a"


@dataclass
class GrowingLog:
    """A log that grows when it is told to.

    Attributes:
        origin: its name.
        signer: its keys.
        history: goes into its entries: two logs of different histories have nothing in common.
        unavailable: as if its storage were away.
        looks: how often its latest checkpoint was asked for.
        cosignatures: checkpoint texts and signature lines that were kept.
        timestamps: checkpoint texts and DER that were kept.
    """

    origin: str = ORIGIN
    signer: Signer = field(default_factory=Signer.generate)
    history: str = ""
    unavailable: bool = False
    looks: int = 0
    cosignatures: list[tuple[str, str]] = field(default_factory=list)
    timestamps: list[tuple[str, bytes]] = field(default_factory=list)
    _leaves: list[bytes] = field(default_factory=list)

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return self.signer.verifier_keys(self.origin)

    def grow(self, entries: int) -> GrowingLog:
        start = len(self._leaves)
        self._leaves += [leaf_hash(f"{self.history} {n}".encode()) for n in range(start, start + entries)]
        return self

    def checkpoint(self) -> SignedNote:
        leaves = list(self._leaves)
        return self.signer.sign(Checkpoint(self.origin, len(leaves), _root(leaves)).text(), self.origin)

    def kept_sizes(self) -> list[int]:
        """Sizes of the checkpoints whose cosignatures were kept."""
        return [Checkpoint.parse(text).size for text, _ in self.cosignatures]

    def latest(self) -> SignedNote | None:
        self.looks += 1
        self._reach()
        return self.checkpoint()

    def consistency(self, old: int, new: int) -> list[bytes]:
        self._reach()
        return consistency_path(old, new, lambda level, n: _root(self._leaves[n << level : (n + 1) << level]))

    def keep_cosignatures(self, text: str, lines: str) -> None:
        self._reach()
        self.cosignatures.append((text, lines))

    def keep_timestamp(self, text: str, der: bytes) -> None:
        self._reach()
        self.timestamps.append((text, der))

    def _reach(self) -> None:
        if self.unavailable:
            raise LogUnavailableError("storage is away")


def _root(leaves: list[bytes]) -> bytes:
    return CompactRange().extend(b"".join(leaves))[0].root()
