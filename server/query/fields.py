"""Fields of queries: names, and the columns and attributes for which they stand in each stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from server.errors.suggestions import did_you_mean
from server.notary import canonical_columns as canonical
from server.notary.audit_words import CATEGORIES, OUTCOMES
from server.notary.origin import Stream
from server.notary.producer_signature import SIGNATURES
from storage.conditions import AnyAttribute, Attribute, Column, Place

__all__ = ["EVIDENCE_WORDS", "SHORT_NAMES", "Field", "Kind", "find_field"]

EVIDENCE_WORDS = ("verified", "signed", "unsigned", "tampered")
"""Values of ``evidence:``."""


class Kind(Enum):
    """The meaning of the values of a field."""

    WORDS = "words"
    """Whole words of a text."""
    TEXT = "text"
    """A part of a text; in quotes, the whole text."""
    NAME = "name"
    """A whole text, such as an ID."""
    CHOICE = "choice"
    """One of a fixed set of words, ignoring case."""
    HEX = "hex"
    """A whole text in lower case."""
    TRACE = "trace"
    """A trace ID, in any form."""
    NUMBER = "number"
    DURATION = "duration"
    """A number of nanoseconds, or a number with a unit."""
    SEVERITY = "severity"
    TIME = "time"
    LOG = "log"
    """A log, by origin or ID; with ``#`` and a number, one leaf of it."""
    SIGNATURE = "signature"
    """The result of checking the signature of the producer."""
    EVIDENCE = "evidence"
    """The result of checking a record, which is not stored."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        kind: the meaning of its values.
        place: the column or attribute; None for severity, signature and evidence.
        streams: the streams that have it.
        words: valid values of a CHOICE, as they are stored, of SIGNATURE, and of EVIDENCE.
        of_spans: column of the field in the table of spans, if its name differs there.
    """

    kind: Kind
    place: Place | None
    streams: frozenset[Stream]
    words: tuple[str, ...] = ()
    of_spans: Column | None = None

    def of(self, stream: Stream) -> Field:
        """Return the field as a stream has it."""
        return replace(self, place=self.of_spans) if self.of_spans and stream is Stream.SPANS else self


_ALL = frozenset(Stream)
_AUDIT = frozenset({Stream.AUDIT})
_SPANS = frozenset({Stream.SPANS})
_RECORDS = _ALL - _SPANS
_MAPS = {
    "LogAttributes": _RECORDS,
    "SpanAttributes": _SPANS,
    "ResourceAttributes": _ALL,
    "ScopeAttributes": _ALL,
}
# As server.codec.decode_spans writes them.
_SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_STATUS_CODES = ("Unset", "Ok", "Error")
_TEXTS = frozenset({"OtlpDetails", "Redactions", "StatusMessage"})

SHORT_NAMES: Mapping[str, Field] = {
    "body": Field(Kind.WORDS, Column("Body"), _ALL, of_spans=Column("SpanName")),
    "severity": Field(Kind.SEVERITY, None, _RECORDS),
    "service": Field(Kind.NAME, Column("ServiceName"), _ALL),
    "event": Field(Kind.NAME, Column("EventName"), _RECORDS),
    "trace": Field(Kind.TRACE, Column("TraceId"), _ALL),
    "span": Field(Kind.HEX, Column("SpanId"), _ALL),
    "scope": Field(Kind.NAME, Column("ScopeName"), _ALL),
    "tenant": Field(Kind.NAME, Column("Tenant"), _ALL),
    "sender": Field(Kind.NAME, Column("Sender"), _ALL),
    "timestamp": Field(Kind.TIME, Column("Timestamp"), _ALL),
    "received": Field(Kind.TIME, Column("IngestedAt"), _ALL),
    "actor": Field(Kind.NAME, Column("ActorId"), _AUDIT),
    "actor_name": Field(Kind.TEXT, Column("ActorName"), _AUDIT),
    "effective_actor": Field(Kind.NAME, Column("EffectiveActorId"), _AUDIT),
    "action": Field(Kind.NAME, Column("Action"), _AUDIT),
    "target": Field(Kind.NAME, Column("TargetId"), _AUDIT),
    "source": Field(Kind.NAME, Column("SourceId"), _AUDIT),
    "outcome": Field(Kind.CHOICE, Column("Outcome"), _AUDIT, OUTCOMES),
    "category": Field(Kind.CHOICE, Column("Category"), _AUDIT, CATEGORIES),
    "session": Field(Kind.NAME, Column("SessionId"), _AUDIT),
    "host": Field(Kind.NAME, Column("SourceHost"), _AUDIT),
    "rule": Field(Kind.NAME, Column("AuditRule"), _AUDIT),
    "record": Field(Kind.NAME, Column("AuditRecordId"), _AUDIT),
    "description": Field(Kind.TEXT, Column("Description"), _AUDIT),
    "signature": Field(Kind.SIGNATURE, None, _RECORDS, SIGNATURES),
    "name": Field(Kind.NAME, Column("SpanName"), _SPANS),
    "kind": Field(Kind.CHOICE, Column("SpanKind"), _SPANS, _SPAN_KINDS),
    "status": Field(Kind.CHOICE, Column("StatusCode"), _SPANS, _STATUS_CODES),
    "parent": Field(Kind.HEX, Column("ParentSpanId"), _SPANS),
    "duration": Field(Kind.DURATION, Column("Duration"), _SPANS),
    "log": Field(Kind.LOG, Column("LogId"), _ALL),
    "leaf": Field(Kind.NUMBER, Column("LeafIndex"), _ALL),
    "evidence": Field(Kind.EVIDENCE, None, _ALL, EVIDENCE_WORDS),
}
"""Short name -> field."""

_OTHER_WORDS = {
    "level": "severity",
    "loglevel": "severity",
    "message": "body",
    "msg": "body",
    "text": "body",
    "user": "actor",
    "who": "actor",
    "object": "target",
    "resource": "target",
    "verb": "action",
    "result": "outcome",
    "ip": "source",
    "source_host": "host",
    "app": "service",
    "time": "timestamp",
    "ts": "timestamp",
    "span_name": "name",
    "operation": "name",
    "took": "duration",
    "latency": "duration",
}
"""Name of a field in other tools -> short name."""


def find_field(name: str) -> Field:
    """Return a field by its short name, the name of a column, or the key of an attribute; case of names is ignored.

    Raises:
        ValueError: there is no such field; the message says what was probably meant.
    """
    folded = name.lower()
    known = _fields()
    if folded in known:
        return known[folded]
    for column, streams in _MAPS.items():
        if folded.startswith(f"{column.lower()}.") and len(name) > len(column) + 1:
            return Field(Kind.TEXT, Attribute(column, name[len(column) + 1 :]), streams)
    if "." in name.strip("."):
        return Field(Kind.TEXT, AnyAttribute(name), _ALL)
    if folded in ("stream", "streams"):
        raise ValueError("streams are not a field: name them beside the query, with --stream, or in streams")
    meant = _OTHER_WORDS.get(folded)
    suggestion = f"; did you mean '{meant}'?" if meant else did_you_mean(name[:80], _names())
    raise ValueError(
        f"there is no field {name[:80]!r}{suggestion} (an attribute is "
        f"LogAttributes.{name[:80]} or ResourceAttributes.{name[:80]}; text with a colon needs quotes)"
    )


@cache
def _names() -> tuple[str, ...]:
    return (*SHORT_NAMES, *_columns())


@cache
def _fields() -> Mapping[str, Field]:
    return {**{name.lower(): one for name, one in _columns().items()}, **SHORT_NAMES}


@cache
def _columns() -> Mapping[str, Field]:
    """Column -> field, for all columns but maps."""
    found: dict[str, Field] = {"LogId": SHORT_NAMES["log"], "LeafIndex": SHORT_NAMES["leaf"]}
    by_column = {one.place.name: one for one in SHORT_NAMES.values() if isinstance(one.place, Column)}
    for stream in Stream:
        for column in canonical.canonical_columns(stream):
            kind = _kind(column)
            if kind is None:
                continue
            streams = found[column.name].streams if column.name in found else frozenset()
            usual = by_column.get(column.name, Field(kind, Column(column.name), _ALL))
            found[column.name] = replace(usual, place=Column(column.name), streams=streams | {stream}, of_spans=None)
    return found


def _kind(column: canonical.CanonicalColumn) -> Kind | None:
    match column.kind:
        case kind if kind is canonical.Kind.MAP or kind.element is not None:
            return None
        case canonical.Kind.TIME:
            return Kind.TIME
        case canonical.Kind.UINT8 | canonical.Kind.UINT32 | canonical.Kind.UINT64:
            return Kind.NUMBER
        case _:
            return Kind.TEXT if column.name in _TEXTS else Kind.NAME
