"""``lognotary prove``: write an evidence bundle that proves one record without a server."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from lognotary.v1 import evidence_pb2
from server.api.bundle_files import bundle_files, bundle_name
from server.commands.bundles import is_page, save_bundle
from server.commands.disclosing import chosen, disclosed, opened_values
from server.commands.output import say, say_json
from server.commands.proved_records import NotProvedError, prove_record
from server.commands.sources import Source, ask
from server.escaping.visible import visible
from server.notary.bundle import readable_record
from server.notary.counted import counted, entries_of
from server.notary.disclosure import Commitment, OpenedValue, find_commitments
from server.notary.errors import VerificationError

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def prove(source: Source) -> int:
        return _write(options, source, prove_record(source, options.record))

    return ask(options, prove)


def _write(options: argparse.Namespace, source: Source, proof: evidence_pb2.GetInclusionProofResponse) -> int:
    try:
        commitments = find_commitments(readable_record(proof.record, proof.origin, proof.leaf_index))
        opened = _opened(options, source, commitments)
        files = bundle_files(proof, opened)
    except VerificationError as error:
        name = visible(f"{proof.origin}#{proof.leaf_index}")
        raise NotProvedError(f"the server's proof for {name} is invalid: {error}") from error
    senders = sum(each.is_senders for each in commitments)
    closed = len(commitments) - senders - len(opened)
    path = options.output or Path(bundle_name(proof))
    save_bundle(files, path)
    if options.json:
        what = {"bundle": str(path), "origin": proof.origin, "leafIndex": str(proof.leaf_index)}
        what |= {"treeSize": str(proof.tree_size), "recordHash": proof.evidence.record_hash}
        values = {"openValues": len(opened), "closedValues": closed, "textsLikeCommitments": senders}
        say_json(json.dumps({**what, **values}))
        return 0
    key = options.public_key[0] if options.public_key else "FILE"
    say(
        f"{path} proves record {proof.leaf_index} of {proof.origin}, "
        f"by its checkpoint after {entries_of(proof.tree_size)}",
        *_values(len(opened), closed, senders),
        *(("it shows the record in a browser, and checks itself there against the same key",) if is_page(path) else ()),
        "to check it, with the public key from the log's owner: "
        + shlex.join(["lognotary", "check", str(path), "--public-key", key]),
    )
    return 0


def _opened(options: argparse.Namespace, source: Source, commitments: Sequence[Commitment]) -> list[OpenedValue]:
    if not options.disclose:
        return []
    closed = chosen(commitments, options.keep_closed)
    wanted = [each for each in chosen(commitments, options.disclose) if each not in closed]
    return opened_values(wanted, disclosed(source.disclose, wanted))


def _values(opened: int, closed: int, senders: int) -> Iterator[str]:
    if opened:
        yield f"{counted(opened, 'value is', 'values are')} open in it, to whoever has the bundle"
    if closed:
        yield f"{counted(closed, 'value is', 'values are')} closed in it"
    if senders:
        yield f"the sender of the record wrote {counted(senders, 'text')} like a commitment in it, which opens nothing"
