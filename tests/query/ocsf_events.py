"""Events of audit records, valid by the schema of OCSF."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from uuid import UUID

from harness.bundles import encode_record
from server import check
from server.notary.canonical import Value, decode_record
from server.notary.origin import Stream
from server.query.export import ExportedRecord
from server.query.export_formats import encoder_of, export_columns
from tests.query.ocsf_schema import problems

__all__ = ["acted", "event_of"]


def event_of(version: int = 2, /, **values: Value) -> dict[str, Any]:
    """Return the event of a record with these columns, once it is valid and leads back to the record."""
    canonical = encode_record(Stream.AUDIT, values, version)
    decoded = decode_record(Stream.AUDIT, canonical)
    record = ExportedRecord("shop/audit/node-1", 7, UUID(int=5), Stream.AUDIT, canonical, decoded)
    line = encoder_of("ocsf", export_columns([Stream.AUDIT])).encode([record])
    assert line.endswith(b"\n")
    event: dict[str, Any] = json.loads(line)
    assert problems(event) == []
    [row] = check._read_rows("ocsf", [line.decode()])
    assert (row["Origin"], row["LeafIndex"], row["Entry"]) == ("shop/audit/node-1", 7, sha256(canonical).hexdigest())
    assert check._canonical(row) == canonical
    return event


def acted(action: str, category: str = "", target: str = "", target_type: str = "", **values: Value) -> dict[str, Any]:
    """Return the event of an action of alice."""
    texts = {"Action": action, "Category": category, "TargetId": target, "TargetType": target_type}
    return event_of(**{name: text.encode() for name, text in texts.items()}, ActorId=b"alice", **values)
