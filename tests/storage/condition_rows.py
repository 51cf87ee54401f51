"""Rows and queries for property tests, both made from the same hostile pieces of text."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from server.notary.canonical_columns import Kind, canonical_columns
from server.notary.origin import Stream
from server.query.parser import parse
from server.query.tree import Node
from storage.condition_sql import SEVERITY_NAMES
from tests.query.trees import FRAGMENTS, matches, trees

__all__ = ["FIELDS", "QUERIES", "START", "TRACE", "made_rows"]

ROWS = 150
START = 1_795_824_000 * 10**9
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEYS = ("k", "http.status_code", "a.b", "a'b", 'a"b', "a\\b", "ü", "{q0:String}", "%s", "")
NUMBERS = ("5", "-5", "2.5", "10", "17", "100", "1e2", "5.0", "x5", "5 ", "")
TIMES = (0, START, START + 1, START + 86_400 * 10**9 - 1, START + 86_400 * 10**9)


def made_rows(stream: Stream) -> list[dict[str, Any]]:
    """Rows made from the pieces of text that queries have; the same in every run."""
    chosen = random.Random(stream.value)

    def some_text(most: int) -> bytes:
        return "".join(chosen.choices(FRAGMENTS, k=chosen.randint(0, most))).encode()

    def pairs() -> list[tuple[bytes, bytes]]:
        keys = chosen.choices(KEYS, k=chosen.randint(0, 3))
        return [(key.encode(), chosen.choice([some_text(2), chosen.choice(NUMBERS).encode()])) for key in keys]

    def value(kind: Kind, name: str) -> Any:
        match kind, name:
            case Kind.MAP, _:
                return pairs()
            case Kind.TIME, _:
                return chosen.choice(TIMES)
            case _, "SeverityNumber":
                return chosen.choice([0, 0, 1, 9, 13, 17, 18, 24])
            case _, "SeverityText":
                return chosen.choice(["", "warn", "ERROR", "Critical", "oops", *SEVERITY_NAMES]).encode()
            case ((Kind.UINT8 | Kind.UINT32 | Kind.UINT64), _):
                return chosen.choice([0, 1, 17, 200])
            case _, "TraceId":
                return chosen.choice(["", TRACE, TRACE[::-1]]).encode()
            case _, "Outcome":
                return chosen.choice(["success", "failure", "unknown"]).encode()
        return some_text(6 if name in ("Body", "SpanName") else 2)

    columns = [column for column in canonical_columns(stream) if column.kind.element is None]
    return [
        {**{each.name: value(each.kind, each.name) for each in columns}, "LogId": some_text(1), "LeafIndex": number}
        for number in range(ROWS)
    ]


FIELDS = (
    *("body", "service", "event", "severity", "trace", "span", "scope", "timestamp", "received", "actor", "action"),
    *("target", "source", "outcome", "session", "host", "rule", "record", "leaf", "log", "Description", "OtlpDetails"),
    *("SeverityText", "SeverityNumber", "Flags", "LogAttributes.k", "ResourceAttributes.http.status_code", "a.b"),
    *("name", "kind", "status", "parent", "duration", "StatusMessage", "SpanAttributes.k", "SpanAttributes.a.b"),
    *("http.status_code", "LogAttributes.a'b", 'LogAttributes.a"b', "LogAttributes.a\\b", "LogAttributes.ü"),
    *("ScopeAttributes.{q0:String}", "LogAttributes.%s", "LogAttributes.nowhere", "no.where"),
)
_SPECIAL = (
    *(f"trace:{TRACE}", f"trace:{TRACE[:4]}*", "severity:warn", "severity:>=error", "severity:{1 TO 18}"),
    *("leaf:[3 TO 90]", "log:0123456789abcdef#7"),
    *("timestamp:2026-11-28", "timestamp:>2026-11-28", "received:<=2026-11-28T00:00:00.000000001Z", "outcome:failure"),
    *("duration:>16", "duration:[1 TO 17}", "status:error OR name:pay", "status:E* OR duration:>15ns"),
    *("SpanAttributes.k:>=5", "-SpanAttributes.k:*"),
    *("timestamp:<1970-01-02", "Flags:17", "Flags:>1", "http.status_code:>=5", "LogAttributes.k:[-5 TO 10}", "k.k:*"),
)
QUERIES: st.SearchStrategy[Node] = trees(
    st.one_of(matches(st.sampled_from(FIELDS)), matches(st.sampled_from(FIELDS)), st.sampled_from(_SPECIAL).map(parse))
)
