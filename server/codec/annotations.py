"""Annotations: what the server found out about single records, for their ``OtlpDetails``.

Only a codec writes ``OtlpDetails``, so a sender cannot forge an annotation; and it is signed with its record. The
column is a dictionary of its different values, so annotations with few different values are cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from server.codec.decode_parts import with_detail
from server.codec.records import RecordColumns
from server.codec.values import json_text

__all__ = ["Annotation", "Annotations", "annotate", "annotation", "by_record"]


class Annotation(NamedTuple):
    """An annotation of one record.

    Attributes:
        record: number of the record in its request, from 0, in the order in which the records were sent; an annotation
            of a record that the request does not have is ignored.
        members: members of the JSON object in ``otlp_details``, compact, without braces and without a comma at the end.
    """

    record: int
    members: bytes


Annotations = Sequence[Annotation]
"""Annotations of the records of one request, in any order; a record may have several."""


def annotation(record: int, name: str, content: Mapping[str, Any]) -> Annotation:
    """Return an annotation with one member.

    Args:
        record: number of the record in its request, from 0.
        name: name of the member.
        content: JSON object of the member.
    """
    return Annotation(record, json_text(name) + b":" + json_text(content))


def by_record(annotations: Annotations) -> list[Annotation]:
    """Return annotations in the order of the records, at most one for each; those of one record keep their order."""
    joined: dict[int, bytes] = {}
    for number, members in annotations:
        joined[number] = joined[number] + b"," + members if number in joined else members
    return [Annotation(number, joined[number]) for number in sorted(joined)]


def annotate(records: RecordColumns, annotations: Annotations) -> None:
    """Add annotations to the details of decoded records, and to those that the events in them will have."""
    for number, members in by_record(annotations):
        if number < len(records):
            for details in (records.otlp_details, records.event_details):
                details[number] = with_detail(details[number], members)
