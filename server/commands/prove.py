"""``lognotary prove``: write an evidence bundle that proves one record without a server."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from uuid import UUID

from lognotary.v1 import evidence_pb2, receipts_pb2
from server.commands.bundles import save_bundle
from server.commands.output import complain, say, say_json
from server.commands.sources import Source, ask
from server.escaping.visible import visible
from server.notary.bundle import build_bundle
from server.notary.canonical import leaf_of
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import entries_of
from server.notary.errors import VerificationError
from server.notary.proofs import verify_inclusion

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def prove(source: Source) -> int:
        if isinstance(options.record, UUID):
            answer = source.get_receipt(receipts_pb2.GetReceiptRequest(record_id=str(options.record)))
            place = answer.receipt.origin, answer.receipt.leaf_index
        else:
            place = options.record
        request = evidence_pb2.GetInclusionProofRequest(
            log=place[0], leaf_index=place[1], include_record=True, for_evidence=True
        )
        return _write(options, source.get_inclusion_proof(request))

    return ask(options, prove)


def _write(options: argparse.Namespace, proof: evidence_pb2.GetInclusionProofResponse) -> int:
    name = f"{proof.origin}#{proof.leaf_index}"
    if proof.evidence.state != evidence_pb2.VERIFIED:
        state = evidence_pb2.EvidenceState.Name(proof.evidence.state).lower()
        complain(f"{visible(name)} cannot be proved, the record is {state}: {visible(proof.evidence.reason)}")
        return 1
    try:
        _check(proof)
        files = build_bundle(
            record=proof.record,
            origin=proof.origin,
            leaf_index=proof.leaf_index,
            path=proof.path,
            checkpoint=proof.checkpoint,
            verifier_keys=proof.verifier_keys,
            key_changes=proof.key_changes,
            timestamp=proof.timestamp or None,
        )
    except VerificationError as error:
        complain(f"the server's proof for {visible(name)} is invalid: {error}")
        return 1
    path = options.output or Path(f"{proof.origin.replace('/', '-')}-{proof.leaf_index}")
    save_bundle(files, path)
    if options.json:
        what = {"bundle": str(path), "origin": proof.origin, "leafIndex": str(proof.leaf_index)}
        say_json(json.dumps({**what, "treeSize": str(proof.tree_size), "recordHash": proof.evidence.record_hash}))
        return 0
    key = options.public_key[0] if options.public_key else "FILE"
    say(
        f"{path} proves record {proof.leaf_index} of {proof.origin}, "
        f"by its checkpoint after {entries_of(proof.tree_size)}",
        "to check it, with the public key from the log's owner: "
        + shlex.join(["lognotary", "check", str(path), "--public-key", key]),
    )
    return 0


def _check(proof: evidence_pb2.GetInclusionProofResponse) -> None:
    """Check that a record leads to its checkpoint, so that no invalid bundle is written."""
    checkpoint, _ = open_checkpoint(proof.checkpoint)
    verify_inclusion(proof.leaf_index, checkpoint.size, leaf_of(proof.record), list(proof.path), checkpoint.root)
