"""Sentences about records. The texts of a record must be visible already: see ``output.shown``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lognotary.v1 import correlation_pb2
from server.errors.amounts import duration
from server.escaping.visible import visible

__all__ = ["is_error", "level", "record_details", "sentence", "shows_body", "span_details"]

_LEVELS = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_ERROR = 17  # SeverityNumber, OpenTelemetry logs data model
_FIRST = ("exception.type", "exception.message")


def sentence(record: correlation_pb2.Record) -> str:
    """Return who did what, on what, from where, with which result; and the body if it does not say who did what."""
    audit = record.audit
    who, what = audit.actor_id, audit.action or record.event_name
    if not who and not what and record.body:
        known = audit.outcome not in ("", "unknown")
        return f"{record.body} → {audit.outcome}" if known else record.body
    parts = [who or "somebody", what or "did something"]
    if audit.target_id or audit.target_type:
        parts.append(" ".join(filter(None, ("on", audit.target_type, audit.target_id))))
    if audit.source_id:
        parts.append(f"from {audit.source_id}")
    parts.append(f"→ {audit.outcome or 'unknown'}")
    said = " ".join(parts)
    return f"{said}: {record.body}" if shows_body(record) else said


def shows_body(record: correlation_pb2.Record) -> bool:
    """Return whether the sentence about an audit event has its body."""
    return bool(record.body) and not (record.audit.actor_id and record.audit.action)


def level(record: correlation_pb2.Record) -> str:
    """Return the severity of a record: its text, or the name of its number."""
    number = record.severity_number
    return record.severity_text or (_LEVELS[(number + 3) // 4] if 0 < number <= 24 else "")


def is_error(record: correlation_pb2.Record) -> bool:
    """Return whether a record is an error, or worse."""
    return record.severity_number >= _ERROR or (
        not record.severity_number and record.severity_text.upper() in ("ERROR", "FATAL", "CRITICAL")
    )


def record_details(record: correlation_pb2.Record) -> Iterator[str]:
    """Yield the detail lines of a record: its audit columns that its sentence does not have, and its attributes."""
    for name, value in (
        ("actor name", record.audit.actor_name),
        ("effective actor", record.audit.effective_actor_id),
        ("session", record.audit.session_id),
        ("source host", record.audit.source_host),
        ("description", record.audit.description),
    ):
        if value:
            yield f"{name}: {value}"
    yield from _signature(record.producer_signature)
    yield from _attributes(record.log_attributes, "log", record.repeated_attributes)


def _signature(signature: correlation_pb2.ProducerSignature) -> Iterator[str]:
    """Yield the line about the signature of the producer, if it was checked."""
    if signature.result:
        reason = f": {signature.reason}" if signature.reason else ""
        by = " ".join(filter(None, (signature.algorithm, signature.key)))
        yield f"producer's signature: {signature.result}{reason}{f' ({by})' if by else ''}"


def span_details(span: correlation_pb2.Span) -> Iterator[str]:
    """Yield the detail lines of a span: its IDs, attributes, events and links."""
    parent = f", child of {span.parent_span_id}" if span.parent_span_id else ""
    kind = f", {span.kind}" if span.kind else ""
    yield f"span {span.span_id}{parent}{kind}"
    if span.status_message:
        yield f"status: {span.status_message}"
    yield from _attributes(span.attributes, "span", span.repeated_attributes)
    for event in span.events:
        since = event.timestamp.ToNanoseconds() - span.timestamp.ToNanoseconds()
        when = f"{'-' if since < 0 else '+'}{duration(abs(since))}"
        yield f"event {when}: {event.name}"
        yield from (f"  {line}" for line in _attributes(event.attributes, "event", event.repeated_attributes))
    for link in span.links:
        yield f"link to span {link.span_id} of trace {link.trace_id}"
        yield from (f"  {line}" for line in _attributes(link.attributes, "link", link.repeated_attributes))


def _attributes(
    values: Mapping[str, str], place: str, repeated: Iterable[correlation_pb2.RepeatedAttribute]
) -> Iterator[str]:
    """Yield a line for each attribute, exceptions first; of a repeated key, a line for each value as it was sent."""
    sent = {one.key: one.values for one in repeated if one.place == place}
    for key in sorted(values, key=lambda key: (key not in _FIRST, _FIRST.index(key) if key in _FIRST else 0, key)):
        yield from (f"{visible(key)}: {value}" for value in sent.get(key, (values[key],)))
