"""Proofs of the growing log, as the API hands them out."""

from __future__ import annotations

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.notary.checkpoint import open_checkpoint
from server.notary.keys import VerifierKey
from tests.api.growing import NAME

__all__ = ["prove", "prove_growth", "proved_root"]


def prove(backend: Backend, index: int, size: int = 0, log: str = NAME.origin) -> pb.GetInclusionProofResponse:
    return backend.get_inclusion_proof(pb.GetInclusionProofRequest(log=log, leaf_index=index, tree_size=size))


def prove_growth(backend: Backend, first: int, second: int = 0) -> pb.GetConsistencyProofResponse:
    return backend.get_consistency_proof(pb.GetConsistencyProofRequest(log=NAME.origin, first=first, second=second))


def proved_root(note: str, keys: list[str]) -> tuple[int, bytes]:
    """Open a checkpoint with the keys that came with it."""
    checkpoint, signed = open_checkpoint(note)
    assert signed.verify(VerifierKey.parse(key) for key in keys)
    return checkpoint.size, checkpoint.root
