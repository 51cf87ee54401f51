"""``lognotary disclose``: show the values to which a record has commitments."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.commands.disclosing import disclosed, short
from server.commands.output import complain, say, say_json
from server.commands.proved_records import prove_record
from server.commands.sources import Source, ask
from server.escaping.visible import visible
from server.notary.bundle import readable_record
from server.notary.disclosure import Commitment, OpenedValue, find_commitments

__all__ = ["disclosed_lines", "run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def show(source: Source) -> int:
        proof = prove_record(source, options.record)
        commitments = find_commitments(readable_record(proof.record, proof.origin, proof.leaf_index))
        made = [each for each in commitments if not each.is_senders]
        found = disclosed(source.disclose, made) if made else {}
        if options.json:
            values = [_to_json(each, found) for each in commitments]
            place = {"origin": proof.origin, "leafIndex": str(proof.leaf_index)}
            say_json(json.dumps({**place, "values": values}, indent=2))
        elif commitments:
            say(*disclosed_lines(commitments, found))
        else:
            complain("the record has no commitments to values")
        return 0 if made and all(each.digest in found for each in made) else 1

    return ask(options, show)


def _to_json(commitment: Commitment, found: Mapping[str, OpenedValue]) -> dict[str, Any]:
    """Return a value as JSON; without ``salt`` and ``value`` if it is gone. What is not UTF-8 has no ``text``."""
    what: dict[str, Any] = {"rule": commitment.rule, "commitment": commitment.digest, "places": commitment.places}
    what["writtenBy"] = "sender" if commitment.is_senders else "server"
    if commitment.is_senders or (opened := found.get(commitment.digest)) is None:
        return what
    what |= {"salt": base64.b64encode(opened.salt).decode(), "value": base64.b64encode(opened.value).decode()}
    try:
        return {**what, "text": opened.value.decode()}
    except UnicodeDecodeError:
        return what


def disclosed_lines(commitments: Sequence[Commitment], found: Mapping[str, OpenedValue]) -> Iterator[str]:
    """Format the values of a record, one line each.

    Args:
        commitments: its commitments, of which there is at least one.
        found: the values that are still disclosed, by their commitments.
    """
    rules = max(len(each.rule) for each in commitments)
    for each in commitments:
        places = visible(", ".join(each.places))
        yield f"{each.rule:<{rules}}  {short(each)}  {_shown(each, found)}  in {places}"


def _shown(commitment: Commitment, found: Mapping[str, OpenedValue]) -> str:
    if commitment.is_senders:
        return "not a value: the sender wrote this text"
    if (opened := found.get(commitment.digest)) is None:
        return "erased or expired"
    return visible(opened.value.decode(errors="backslashreplace"))
