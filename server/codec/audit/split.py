"""Records that are lists of events: each event that a rule recognises becomes an audit record of its own.

The record itself stays as it was sent, once, as an operational record. The records of its events follow it. They have
everything of it but the body, which is the event: its JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from server.codec.audit.facts import facts_of
from server.codec.audit.matching import first_match, possible_rules
from server.codec.audit.paths import Path
from server.codec.audit.rules import Rule
from server.codec.audit.texts import events_of
from server.codec.decode_parts import with_detail
from server.codec.limits import RowLimits, too_many_records
from server.codec.records import RecordColumns
from server.codec.signals import Signal

__all__ = ["events_in", "with_events"]

_SHARED = (
    *("service_name", "resource_schema_url", "scope_schema_url", "scope_name", "scope_version"),
    *("event_name", "severity_text", "event_details"),
)
_NAMES = tuple(item.name for item in fields(RecordColumns))


def with_events(records: RecordColumns, rules: Sequence[Rule], limits: RowLimits) -> RecordColumns:
    """Return the records of a request, those of the events in them behind the record that has them.

    Raises:
        MalformedRequestError: these are more records than one batch can hold, or they repeat too much.
    """
    if not any(rule.split for rule in rules):
        return records
    expanded = RecordColumns()
    count, repeated = len(records), 0
    for number in range(len(records)):
        _append(expanded, _row(records, number))
        facts = facts_of(records, number)
        rule = first_match(facts, rules)
        if rule is None or rule.split is None:
            continue
        row = _row(records, number)
        size = _repeated(row)
        possible = possible_rules(facts, rules)
        total = sum(1 for _ in facts.events(rule.split))
        for place, event in enumerate(facts.events(rule.split), 1):
            found = first_match(replace(facts, body=event), possible)
            if found is None or found.split is not None:
                continue
            _append(expanded, _event_row(row, event, place, total))
            count += 1
            repeated += size
            if count > limits.records or repeated > limits.repeated:
                raise too_many_records(limits, Signal.LOGS)
    return expanded


def events_in(records: RecordColumns, number: int, path: Path) -> Iterator[RecordColumns]:
    """Yield the events in a record, each as a record of its own.

    Args:
        records: records.
        number: index of the record.
        path: path in its body to the list of events.
    """
    row = _row(records, number)
    total = sum(1 for _ in events_of(row["body_text"], path))
    for place, event in enumerate(events_of(row["body_text"], path), 1):
        part = _event_row(row, event, place, total)
        yield RecordColumns(**{name: [value] for name, value in part.items()})


def _event_row(row: dict[str, Any], event: bytes, place: int, total: int) -> dict[str, Any]:
    details = with_detail(row["event_details"], b'"event":[%d,%d]' % (place, total))
    return row | {"body": event, "body_text": event, "otlp_details": details}


def _row(records: RecordColumns, number: int) -> dict[str, Any]:
    return {name: getattr(records, name)[number] for name in _NAMES}


def _repeated(row: dict[str, Any]) -> int:
    """Return the bytes of an event's record that the records of all events of its list repeat."""
    attributes = (*row["resource_attributes"], *row["scope_attributes"], *row["log_attributes"])
    return sum(len(row[name]) for name in _SHARED) + sum(len(key) + len(text) for key, text in attributes)


def _append(records: RecordColumns, row: dict[str, Any]) -> None:
    for name, value in row.items():
        getattr(records, name).append(value)
