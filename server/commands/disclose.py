"""``lognotary disclose``: show the values to which a record has commitments."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.commands.disclosing import Writer, disclosed, replaced, short, writers
from server.commands.output import complain, say, say_json
from server.commands.proved_records import prove_record
from server.commands.sources import Source, ask
from server.escaping.visible import visible
from server.notary.bundle import readable_record
from server.notary.counted import counted
from server.notary.disclosure import Commitment, OpenedValue, find_commitments

__all__ = ["disclosed_lines", "run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def show(source: Source) -> int:
        proof = prove_record(source, options.record)
        readable = readable_record(proof.record, proof.origin, proof.leaf_index)
        commitments, counts = find_commitments(proof.record, readable), replaced(readable)
        wrote = writers(commitments, counts)
        own = [each for each in commitments if wrote[each.rule] is not Writer.SENDER]
        found = disclosed(source.disclose, own) if own else {}
        if options.json:
            values = [_to_json(each, found, wrote[each.rule]) for each in commitments]
            place = {"origin": proof.origin, "leafIndex": str(proof.leaf_index)}
            say_json(json.dumps({**place, "values": values}, indent=2))
        elif commitments:
            say(*disclosed_lines(commitments, found, counts))
        else:
            complain("the record has no commitments to values")
        return 0 if own and all(each.digest in found for each in own) else 1

    return ask(options, show)


def _to_json(commitment: Commitment, found: Mapping[str, OpenedValue], writer: Writer) -> dict[str, Any]:
    """Return a value as JSON; without ``salt`` and ``value`` if it is gone. What is not UTF-8 has no ``text``."""
    what: dict[str, Any] = {"rule": commitment.rule, "commitment": commitment.digest, "places": commitment.places}
    what["writtenBy"] = writer.value
    if (opened := found.get(commitment.digest)) is None:
        return what
    what |= {"salt": base64.b64encode(opened.salt).decode(), "value": base64.b64encode(opened.value).decode()}
    try:
        return {**what, "text": opened.value.decode()}
    except UnicodeDecodeError:
        return what


def disclosed_lines(
    commitments: Sequence[Commitment], found: Mapping[str, OpenedValue], counts: Mapping[str, int]
) -> Iterator[str]:
    """Format the values of a record, one line each.

    Args:
        commitments: its commitments.
        found: the values that are still disclosed, by their commitments.
        counts: number of values that the server has replaced in the record, by rule.
    """
    rules = max(len(each.rule) for each in commitments)
    wrote = writers(commitments, counts)
    for each in commitments:
        shown = _shown(found.get(each.digest), wrote[each.rule])
        places = visible(", ".join(each.places))
        yield f"{each.rule:<{rules}}  {short(each)}  {shown}" + (f"  in {places}" if places else "")
    for rule, writer in wrote.items():
        if writer is Writer.UNKNOWN:
            yield (
                f"⚠ by the record's column Redactions, the server has replaced {counted(counts[rule], 'value')} by the "
                f"rule {rule}, and the record has more marks of it: the sender wrote the others"
            )


def _shown(opened: OpenedValue | None, writer: Writer) -> str:
    if writer is Writer.SENDER:
        return "not a value: the sender wrote this mark"
    if opened is None:
        return "erased or expired" if writer is Writer.SERVER else "erased, expired, or written by the sender"
    return visible(opened.value.decode(errors="backslashreplace"))
