"""Values of one record, as audit rules look at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from server.codec.audit.lookup import Lookup
from server.codec.audit.paths import Path, Segment, beginnings
from server.codec.audit.rules import IN_BODY, Place, Source
from server.codec.audit.texts import JsonObject, begins_with, is_json, members_of, objects_in, read_object
from server.codec.records import Attributes, RecordColumns, Repeated

__all__ = ["Facts", "all_facts", "facts_of"]


@dataclass(frozen=True)
class Facts:
    """Values of one record. Of attributes with the same key, the last one sent counts.

    Attributes:
        shared: memory of what was found in all but the body; records that differ in nothing but their bodies share it.
    """

    log: Mapping[bytes, bytes]
    resource: Mapping[bytes, bytes]
    scope: Mapping[bytes, bytes]
    body: bytes
    event_name: bytes
    scope_name: bytes
    service_name: bytes
    severity_text: bytes
    severity_number: int
    shared: Lookup = field(default_factory=Lookup)

    @cached_property
    def in_body(self) -> Lookup:
        """Memory of what was found in the body."""
        return Lookup()

    @cached_property
    def members(self) -> Mapping[bytes, bytes | None]:
        """The members of a body that is one JSON object: many conditions ask for them."""
        return {} if self.is_several else self._object.members

    @cached_property
    def _object(self) -> JsonObject:
        return read_object(self.body)

    @property
    def is_several(self) -> bool:
        """True if the body has several JSON objects, one after the other: then no path leads into it."""
        return self._object.is_first_of_several

    @property
    def is_cut(self) -> bool:
        """True if the body is a JSON object that does not end, so that what it does not have may be missing."""
        return begins_with(self.body, b"{") and not self._object.is_whole

    def objects(self) -> Iterator[bytes]:
        """Yield the JSON objects in a body that is a list of them, or has several one after the other."""
        return objects_in(self.body) if begins_with(self.body, b"[") or self.is_several else iter(())

    @cached_property
    def pairs(self) -> Mapping[bytes, bytes | None]:
        """The pairs of a body that is ``key=value`` text."""
        return {} if is_json(self.body) else members_of(self.body, True)

    def value(self, source: Source) -> bytes | None:
        """Return the value of a source, None if there is none.

        Event name, severity text, names of scope and service, and the whole body are not there if they are empty.
        """
        match source.place:
            case Place.LOG:
                return self._attribute(self.log, source.path)
            case Place.RESOURCE:
                return self._attribute(self.resource, source.path)
            case Place.SCOPE:
                return self._attribute(self.scope, source.path)
            case Place.BODY:
                return self._in_body(source.path.segments) if source.path else self.body or None
            case Place.PAIRS:
                return _lookup(self.pairs, source.path.segments, self.in_body) if source.path else None
            case Place.EVENT_NAME:
                return self.event_name or self.log.get(b"event.name") or None
            case Place.SCOPE_NAME:
                return self.scope_name or None
            case Place.SERVICE_NAME:
                return self.service_name or None
            case Place.SEVERITY_TEXT:
                return self.severity_text or None
            case Place.TEXT | Place.GROUP:
                return source.text

    def lookup(self, source: Source) -> Lookup:
        """Return the memory of what was found in the text, or in the attributes, that have the value of a source."""
        return self.in_body if source.place in IN_BODY else self.shared

    def events(self, path: Path) -> Iterator[bytes]:
        """Yield the elements of the list in the body to which a path without positions leads."""
        return iter(()) if self.is_several else self.in_body.events(self.body, path)

    def _in_body(self, segments: tuple[Segment, ...]) -> bytes | None:
        if isinstance(segments[0], bytes):
            return _lookup(self.members, segments, self.in_body)
        return None if self.is_several else self.in_body.find(self.body, segments)

    def _attribute(self, attributes: Mapping[bytes, bytes], path: Path | None) -> bytes | None:
        if path is None:
            return None
        if path.text in attributes:
            return self.shared.find(attributes[path.text], ())
        return _lookup(attributes, path.segments, self.shared)


def all_facts(records: RecordColumns) -> Iterator[Facts]:
    """Yield the values of each record. Records next to each other share what they can."""
    before: Facts | None = None
    for row in range(len(records)):
        facts = facts_of(records, row)
        if before and _differ_in_body_only(records, row - 1):
            facts = replace(facts, log=before.log, resource=before.resource, scope=before.scope, shared=before.shared)
        yield facts
        before = facts


def _differ_in_body_only(records: RecordColumns, row: int) -> bool:
    """Return whether a record is known to differ from the next one only in its body, as the events of a list do."""
    attributes = (
        *(records.log_attributes, records.resource_attributes, records.scope_attributes),
        *(records.log_repeated, records.resource_repeated, records.scope_repeated),
    )
    texts = (records.event_name, records.scope_name, records.service_name, records.severity_text)
    return (
        all(column[row] is column[row + 1] for column in attributes)
        and all(column[row] == column[row + 1] for column in texts)
        and records.severity_number[row] == records.severity_number[row + 1]
    )


def facts_of(records: RecordColumns, row: int) -> Facts:
    """Return the values of one record."""
    return Facts(
        log=_last_sent(records.log_attributes[row], records.log_repeated[row]),
        resource=_last_sent(records.resource_attributes[row], records.resource_repeated[row]),
        scope=_last_sent(records.scope_attributes[row], records.scope_repeated[row]),
        body=records.body_text[row],
        event_name=records.event_name[row],
        scope_name=records.scope_name[row],
        service_name=records.service_name[row],
        severity_text=records.severity_text[row],
        severity_number=records.severity_number[row],
    )


def _last_sent(attributes: Attributes, repeated: Repeated) -> dict[bytes, bytes]:
    return dict(attributes) | {key: values[-1] for key, values in repeated}


def _lookup(
    values: Mapping[bytes, bytes] | Mapping[bytes, bytes | None], segments: tuple[Segment, ...], lookup: Lookup
) -> bytes | None:
    """Return the value to which a path leads from the longest key that is there."""
    for count, key in beginnings(segments):
        if key in values:
            value = values[key]
            return None if value is None else lookup.find(value, segments[count:])
    return None
