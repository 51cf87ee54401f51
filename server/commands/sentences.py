"""Sentences about records. The texts of a record must be visible already: see ``output.shown``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lognotary.v1 import correlation_pb2
from server.errors.amounts import duration
from server.escaping.visible import visible

__all__ = ["is_error", "level", "record_details", "sentence", "shows_body", "span_details", "untimed"]

_LEVELS = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_ERROR = 17  # SeverityNumber, OpenTelemetry logs data model
_FIRST = ("exception.type", "exception.message")


def sentence(record: correlation_pb2.Record) -> str:
    """Return who did what, on what, from where, with which result; and the body if actor or action are not known."""
    audit = record.audit
    who, what = audit.actor_id, audit.action or record.event_name
    if not (who or what or audit.effective_actor_id) and record.body:
        known = audit.outcome not in ("", "unknown")
        return f"{_quoted(record.body)} → {audit.outcome}" if known else _quoted(record.body)
    parts = [who or "(no actor)"]
    if audit.effective_actor_id:
        parts.append(f"as {audit.effective_actor_id}")
    parts.append(what or "(no action)")
    if audit.target_id or audit.target_type:
        parts.append(" ".join(filter(None, ("on", audit.target_type, audit.target_id))))
    if audit.source_id:
        parts.append(f"from {audit.source_id}")
    parts.append(f"→ {audit.outcome or 'unknown'}")
    said = " ".join([*parts, *_sent_again(record)])
    return f"{said}: {_quoted(record.body)}" if shows_body(record) else said


def _sent_again(record: correlation_pb2.Record) -> Iterator[str]:
    """Yield the keys that were sent more than once, of which the last value counts, with all their values."""
    for one in record.repeated_attributes:
        if one.place == "log":
            yield f"[{visible(one.key)} was sent as {', '.join(one.values)}]"


def shows_body(record: correlation_pb2.Record) -> bool:
    """Return whether the sentence about an audit event has its body."""
    return bool(record.body) and not (record.audit.actor_id and record.audit.action)


def _quoted(body: str) -> str:
    """Return a body in quotes, so that words of the sender cannot be mistaken for those of the sentence."""
    return '"' + body.replace('"', '\\"') + '"'


def untimed(content: correlation_pb2.Record | correlation_pb2.Span) -> str:
    """Return which time is shown instead of the record's own if it was sent without one; otherwise an empty text."""
    # The details are JSON, in which a text of the sender has backslashes before its quotes.
    if '"time":"unset"' not in content.otlp_details and content.timestamp.ToNanoseconds():
        return ""
    if isinstance(content, correlation_pb2.Record) and content.HasField("observed_timestamp"):
        return "sent without a time: the time shown is the time at which it was observed"
    return "sent without a time: the time shown is the time of receipt"


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
    """Yield the detail lines of a record: what its sentence does not have of its audit columns, and its attributes."""
    if record.HasField("audit") and record.body and not shows_body(record):
        yield f"body: {record.body}"
    for name, value in (
        ("actor name", record.audit.actor_name),
        ("actor type", record.audit.actor_type),
        ("session", record.audit.session_id),
        ("source host", record.audit.source_host),
        ("description", record.audit.description),
        ("record ID", record.audit.record_id),
        ("rule", record.audit.rule),
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
