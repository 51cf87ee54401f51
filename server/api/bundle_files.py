"""The files of an evidence bundle, from the proof of an entry."""

from __future__ import annotations

from collections.abc import Sequence

from lognotary.v1 import evidence_pb2
from server.notary.bundle import build_bundle
from server.notary.disclosure import OpenedValue

__all__ = ["bundle_files", "bundle_name"]


def bundle_files(proof: evidence_pb2.GetInclusionProofResponse, opened: Sequence[OpenedValue] = ()) -> dict[str, bytes]:
    """Return the files of a bundle: path within the bundle -> content.

    Args:
        proof: the proof of an entry with its record, made for evidence; not verified here.
        opened: values to which the record has commitments and that are to be open.

    Raises:
        MalformedError: as ``build_bundle``.
    """
    return build_bundle(
        record=proof.record,
        origin=proof.origin,
        leaf_index=proof.leaf_index,
        path=proof.path,
        checkpoint=proof.checkpoint,
        verifier_keys=proof.verifier_keys,
        key_changes=proof.key_changes,
        timestamp=proof.timestamp or None,
        opened=opened,
    )


def bundle_name(proof: evidence_pb2.GetInclusionProofResponse) -> str:
    """Return a name for a bundle, without a suffix: the log's origin and the leaf, with hyphens."""
    return f"{proof.origin.replace('/', '-')}-{proof.leaf_index}"
