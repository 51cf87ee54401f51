"""Records that are lists of events: each event that a rule recognises becomes an audit record of its own.

A rule says where the list is. A body that is a JSON list of objects, or has several objects one after the other, is a
list of events without a rule.

The record itself stays as it was sent, once, as an operational record. The records of its events follow it. They have
everything of it but the body, which is the event: its JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from server.codec.audit.facts import Facts, facts_of
from server.codec.audit.matching import first_match, possible_rules
from server.codec.audit.rules import Rule
from server.codec.commitments import Commitments, commitments_of_events
from server.codec.decode_parts import with_detail
from server.codec.limits import RowLimits, too_many_records
from server.codec.records import RecordColumns
from server.codec.signals import Signal

__all__ = ["events_in", "with_events"]

_SHARED = (
    *("service_name", "resource_schema_url", "scope_schema_url", "scope_name", "scope_version"),
    *("event_name", "severity_text", "event_details", "redactions"),
)
_NAMES = tuple(item.name for item in fields(RecordColumns))


def with_events(records: RecordColumns, rules: Sequence[Rule], limits: RowLimits) -> RecordColumns:
    """Return the records of a request, those of the events in them behind the record that has them.

    Raises:
        MalformedRequestError: these are more records than one batch can hold, or they repeat too much.
    """
    if not rules:
        return records
    expanded = RecordColumns()
    count, repeated = len(records), 0
    for number in range(len(records)):
        row = _row(records, number)
        _append(expanded, row)
        facts = facts_of(records, number)
        events = _events_of(facts, rules)
        size = _repeated(row) if events else 0
        commitments_of = commitments_of_events(row["commitments"])
        for place, (event, is_audit) in enumerate(events, 1):
            if not is_audit:
                continue
            _append(expanded, _event_row(row, event, place, len(events), commitments_of(event)))
            count += 1
            repeated += size
            if count > limits.records or repeated > limits.repeated:
                raise too_many_records(limits, Signal.LOGS)
    return expanded


def _events_of(facts: Facts, rules: Sequence[Rule]) -> list[tuple[bytes, bool]]:
    """Return the events in a record that is a list of them, each with whether it becomes an audit record.

    A rule says where the list is, or the body has several objects. Such an object can be a list of events itself, by a
    rule.
    """
    rule = first_match(facts, rules)
    if rule and rule.split is None:
        return []
    texts = list(facts.events(rule.split) if rule and rule.split else facts.objects())
    possible = possible_rules(facts, rules) if texts else ()
    events: list[tuple[bytes, bool]] = []
    for text in texts:
        part = replace(facts, body=text)
        found = first_match(part, possible)
        if found and found.split and rule is None:
            parts = ((each, first_match(replace(facts, body=each), possible)) for each in part.events(found.split))
            events += [(each, _is_audit(one)) for each, one in parts]
        else:
            events.append((text, _is_audit(found)))
    return events


def _is_audit(rule: Rule | None) -> bool:
    return rule is not None and rule.split is None


def events_in(records: RecordColumns, number: int, rules: Sequence[Rule]) -> Iterator[RecordColumns]:
    """Yield the events in a record, each as a record of its own; none if it is not a list of events.

    Args:
        records: records.
        number: index of the record.
        rules: the audit rules, in the order in which they are tried.
    """
    row = _row(records, number)
    commitments_of = commitments_of_events(row["commitments"])
    events = _events_of(facts_of(records, number), rules)
    for place, (event, _) in enumerate(events, 1):
        part = _event_row(row, event, place, len(events), commitments_of(event))
        yield RecordColumns(**{name: [value] for name, value in part.items()})


def _event_row(row: dict[str, Any], event: bytes, place: int, total: int, commitments: Commitments) -> dict[str, Any]:
    details = with_detail(row["event_details"], b'"event":[%d,%d]' % (place, total))
    return row | {"body": event, "body_text": event, "otlp_details": details, "commitments": commitments}


def _row(records: RecordColumns, number: int) -> dict[str, Any]:
    return {name: getattr(records, name)[number] for name in _NAMES}


def _repeated(row: dict[str, Any]) -> int:
    """Return the bytes of an event's record that the records of all events of its list repeat."""
    attributes = (*row["resource_attributes"], *row["scope_attributes"], *row["log_attributes"])
    texts = sum(len(row[name]) for name in _SHARED) + sum(len(key) + len(text) for key, text in attributes)
    listed: int = row["commitments"].repeated
    return texts + listed


def _append(records: RecordColumns, row: dict[str, Any]) -> None:
    for name, value in row.items():
        getattr(records, name).append(value)
