"""The call ``GetBundle``: everything that proves one record, as one file."""

from __future__ import annotations

from collections.abc import Callable

from lognotary.v1 import evidence_pb2 as pb
from server.api.bundle_files import bundle_files, bundle_name
from server.api.errors import AlteredError, InvalidArgumentError
from server.api.proof_cache import ProofCache
from server.api.proofs import get_inclusion_proof
from server.errors.suggestions import not_one_of
from server.explorer.bundle_page import ExplorerNotBuiltError, bundle_page
from server.notary.bundle_zip import zip_bundle
from server.notary.errors import VerificationError
from server.notary.trust import TrustedKeys
from storage.engine import Engine

__all__ = ["BUNDLE_TYPES", "get_bundle"]

BUNDLE_TYPES = {"zip": "application/zip", "html": "text/html; charset=utf-8"}
"""Format of a bundle -> its media type."""


def get_bundle(
    engine: Engine,
    keys: TrustedKeys,
    cache: ProofCache,
    request: pb.GetBundleRequest,
    template: Callable[[], bytes],
) -> pb.GetBundleResponse:
    """Answer ``EvidenceService.GetBundle``: the files that ``lognotary prove`` writes, all commitments closed.

    Args:
        engine: the storage.
        keys: trusted public keys.
        cache: proofs made with these keys.
        request: the request.
        template: function that returns the page for bundles as HTML, or raises ExplorerNotBuiltError.

    Raises:
        InvalidArgumentError: the log's name is invalid, no leaf is given, there is no such format, or this installation
            does not have the page for HTML.
        NotFoundError: there is no such log or entry, or its record is no longer stored.
        AlteredError: the record, the batch, or hashes of the tree, do not match what was signed.
        StorageError: storage cannot be read.
    """
    kind = request.format or "zip"
    if kind not in BUNDLE_TYPES:
        raise InvalidArgumentError(f"format: {not_one_of(kind, BUNDLE_TYPES)}")
    asked = pb.GetInclusionProofRequest(log=request.log, include_record=True, for_evidence=True)
    if request.HasField("leaf_index"):
        asked.leaf_index = request.leaf_index
    try:
        page = template() if kind == "html" else b""
    except ExplorerNotBuiltError as error:
        raise InvalidArgumentError(f"format: {error}") from error
    proof = get_inclusion_proof(engine, keys, cache, asked)
    if proof.evidence.state != pb.VERIFIED:
        state = pb.EvidenceState.Name(proof.evidence.state).lower()
        raise AlteredError(
            f"record {proof.leaf_index} of {proof.origin} cannot be proved, it is {state}: {proof.evidence.reason}"
        )
    try:
        files = bundle_files(proof)
    except VerificationError as error:
        raise AlteredError(f"record {proof.leaf_index} of {proof.origin} cannot be proved: {error}") from error
    return pb.GetBundleResponse(
        file_name=f"{bundle_name(proof)}.{kind}",
        media_type=BUNDLE_TYPES[kind],
        content=bundle_page(page, files) if kind == "html" else zip_bundle(files),
    )
