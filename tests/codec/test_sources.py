"""Audit events as their sources send them, and what the built-in rules make of them.

The folder of a source is named after its rule. A file has a request in OTLP/JSON and what is expected of each of its
records: null for an operational record, the fields of an audit record, or a list of these for a record that is a list
of events. Fields that are left out are empty, Outcome is ``unknown`` and Category ``data`` if they are not told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.audit.split import with_events
from server.codec.decode import decode
from server.codec.limits import ROW_LIMITS
from server.codec.otlp_json import request_from_json
from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction
from server.codec.signals import Signal

from .parity import Parity

SOURCES = Path(__file__).parent / "sources"
FILES = sorted(SOURCES.glob("*/*.json"))


def sample(path: Path) -> tuple[bytes, list[Any]]:
    written = json.loads(path.read_text(encoding="utf-8"))
    return request_from_json(json.dumps(written["request"]).encode(), Signal.LOGS), written["expect"]


@cache
def built_in() -> Parity:
    return Parity(Signal.LOGS, built_in_rules(), redaction=Redaction())


def rows(expected: list[Any]) -> Iterator[dict[str, str] | None]:
    """Yield what is expected of each row: a record that is a list of events is operational, its events follow it."""
    for item in expected:
        if isinstance(item, list):
            yield None
        for fields in item if isinstance(item, list) else [item]:
            yield fields if fields is None else {"outcome": "unknown", "category": "data", **fields}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_source_is_recognised_with_its_fields(path: Path) -> None:
    request, expected = sample(path)
    records = decode(request, redactor=Redactor(Redaction()))
    made: list[dict[str, str] | None] = []
    for fields in classify(with_events(records, built_in_rules(), ROW_LIMITS), built_in_rules()):
        if fields is None:
            made.append(None)
            continue
        made.append({name: text for name in fields.__slots__ if (text := getattr(fields, name).decode())})
    assert made == list(rows(expected))
    built_in().assert_same(request)
