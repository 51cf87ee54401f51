"""Lines about the evidence of records: one verdict for all of them, and a mark where one differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.commands.output import Style
from server.notary.counted import counted

__all__ = [
    "COMPLETENESS",
    "OMITTED",
    "entries_verdict",
    "entry_evidence",
    "is_doubtful",
    "is_doubtful_entry",
    "reason_line",
    "verdict",
    "without_evidence",
]

OMITTED = "… records that cannot be proved are not shown: they were never signed, or were tampered with"

COMPLETENESS = "Only stored records can be shown: 'lognotary verify' shows whether one is missing"

_WORDS = {
    evidence_pb2.TAMPERED: "tampered with",
    evidence_pb2.UNSIGNED: "unsigned",
    evidence_pb2.SIGNED: "signed",
    evidence_pb2.VERIFIED: "verified",
}
_PROVED = (evidence_pb2.VERIFIED, evidence_pb2.SIGNED)


def entry_evidence(entry: correlation_pb2.TimelineEntry) -> evidence_pb2.Evidence | None:
    """Return the evidence of an entry; None for a span in no log, which a Collector's own exporter may write."""
    content: correlation_pb2.Record | correlation_pb2.Span = getattr(entry, entry.WhichOneof("entry") or "log")
    return content.evidence if content.HasField("evidence") or entry.WhichOneof("entry") != "span" else None


def is_doubtful(evidence: evidence_pb2.Evidence | None) -> bool:
    """Return whether a record cannot be proved: it was tampered with, is unsigned, or in a state that is not known.

    Records of streams that are not signed are not doubtful: they are expected to be unsigned.
    """
    return evidence is not None and evidence.state not in _PROVED and not evidence.is_expected


def is_doubtful_entry(entry: correlation_pb2.TimelineEntry) -> bool:
    """Return whether an entry cannot be proved; False for a span that a Collector wrote to storage, in no log."""
    return is_doubtful(entry_evidence(entry))


def entries_verdict(
    entries: Iterable[correlation_pb2.TimelineEntry], noun: str, nouns: str, style: Style
) -> Iterator[str]:
    """Format one line about the evidence of all entries, and one about those that have none."""
    found = [entry_evidence(entry) for entry in entries]
    evidence = [one for one in found if one is not None]
    yield verdict(evidence, noun, nouns, style)
    if evidence and (others := len(found) - len(evidence)):
        yield without_evidence(others)


def without_evidence(number: int) -> str:
    """Return a line about a number of spans that are in no log."""
    them = "it" if number == 1 else "them"
    return f"• {counted(number, 'span')} in no signed log: anyone who can write to storage may have added {them}"


def verdict(evidence: Sequence[evidence_pb2.Evidence], noun: str, nouns: str, style: Style) -> str:
    """Return one line about the evidence of all records."""
    expected = sum(item.is_expected for item in evidence)
    text = _verdict([item for item in evidence if not item.is_expected], noun, nouns, style) if expected else ""
    if not expected:
        return _verdict(evidence, noun, nouns, style)
    others = (
        f"{counted(expected, noun, nouns)} unsigned: {'its stream is' if expected == 1 else 'their streams are'} not "
    )
    others += "signed (signed_streams)"
    return others if expected == len(evidence) else f"{text}; {others}"


def _verdict(evidence: Sequence[evidence_pb2.Evidence], noun: str, nouns: str, style: Style) -> str:
    states = Counter(item.state for item in evidence)
    if not states:
        return f"no {noun} has evidence: anyone who can write to storage may have added what is here"
    doubtful = sum(number for state, number in states.items() if state not in _PROVED)
    if not doubtful and states[evidence_pb2.SIGNED]:
        return style.paint(
            f"• {counted(len(evidence), noun, nouns)} signed; the contents were not hashed again (--signatures-only)",
            "36",
        )
    if not doubtful:
        return style.paint(f"✔ {counted(len(evidence), noun, nouns)} verified", "32")
    parts = [f"{states[state]:,} {word}" for state, word in _WORDS.items() if states[state]]
    unknown = len(evidence) - sum(states[state] for state in _WORDS)
    parts += [f"{unknown:,} in an unknown state"] if unknown else []
    return style.paint(f"✘ of {counted(len(evidence), noun, nouns)}: {', '.join(parts)}", "1;31")


def reason_line(evidence: evidence_pb2.Evidence) -> str:
    """Return why a record cannot be proved."""
    word = {evidence_pb2.TAMPERED: "tampered", evidence_pb2.UNSIGNED: "unsigned"}.get(evidence.state, "unknown")
    return f"└ ✘ {word}{': ' if evidence.reason else ''}{evidence.reason}"
