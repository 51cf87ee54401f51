"""The rows of a ClickHouse database, read over HTTP; and RowBinary, the encoding that is hashed."""

# ruff: noqa: S608 - names of tables and columns are constants

from __future__ import annotations

import base64
import http.client
import io
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlencode, urlsplit
from uuid import UUID

_UNKNOWN_SETTING = "115"
_SETTINGS = Path(__file__).with_name("settings.tsv")

# One letter for each type: s String, u UUID, h FixedString(32), m Map, t DateTime64(9); a digit is the size in bytes.
# What begins with a is an Array.


def _columns(text: str) -> dict[str, str]:
    """Read ``Name:letter ...``."""
    return dict(word.split(":") for word in text.split())


BATCH = _columns(
    "LogId:s Origin:s BatchId:u Sequence:8 FirstLeaf:8 TreeSize:8 RecordCount:8 MinTimestamp:t MaxTimestamp:t "
    "IngestedAt:t RootHash:h Frontier:s Checkpoint:s CanonicalVersion:2"
)
TILE = _columns("LogId:s Level:1 TileIndex:8 Offset:2 Hashes:s BatchId:u Sequence:8")
STATEMENT = _columns("LogId:s Number:8 Kind:s TreeSize:8 SignedAt:4 Note:s Data:s")
_CONTENT_1 = _columns(
    "Timestamp:t TraceId:s SpanId:s TraceFlags:1 SeverityText:s SeverityNumber:1 ServiceName:s Body:s "
    "ResourceSchemaUrl:s ResourceAttributes:m ScopeSchemaUrl:s ScopeName:s ScopeVersion:s ScopeAttributes:m "
    "LogAttributes:m EventName:s ObservedTimestamp:t Flags:4 DroppedAttributesCount:4 OtlpDetails:s IngestedAt:t"
)
_AUDIT_1 = _columns(
    "AuditRecordId:s ActorId:s ActorType:s Action:s TargetId:s TargetType:s SourceId:s SourceType:s Outcome:s "
    "Category:s AuditRule:s"
)
_CONTENT_2 = _columns(
    "Tenant:s Sender:s ServiceName:s ResourceSchemaUrl:s ResourceAttributes:m ScopeSchemaUrl:s ScopeName:s "
    "ScopeVersion:s ScopeAttributes:m Timestamp:t TraceId:s SpanId:s TraceFlags:1 SeverityText:s SeverityNumber:1 "
    "Body:s LogAttributes:m EventName:s ObservedTimestamp:t Flags:4 DroppedAttributesCount:4 OtlpDetails:s "
    "IngestedAt:t Redactions:s"
)
_AUDIT_2 = _columns(
    "AuditRecordId:s ActorId:s ActorName:s ActorType:s EffectiveActorId:s SessionId:s Action:s TargetId:s "
    "TargetType:s SourceId:s SourceType:s SourceHost:s Outcome:s Category:s AuditRule:s Description:s"
)
_SPAN_2 = _columns(
    "Tenant:s Sender:s ServiceName:s ResourceSchemaUrl:s ResourceAttributes:m ScopeSchemaUrl:s ScopeName:s "
    "ScopeVersion:s ScopeAttributes:m Timestamp:t TraceId:s SpanId:s ParentSpanId:s TraceState:s SpanName:s SpanKind:s "
    "SpanAttributes:m Duration:8 StatusCode:s StatusMessage:s Events.Timestamp:at Events.Name:as Events.Attributes:am "
    "Links.TraceId:as Links.SpanId:as Links.TraceState:as Links.Attributes:am Flags:4 DroppedAttributesCount:4 "
    "DroppedEventsCount:4 DroppedLinksCount:4 OtlpDetails:s IngestedAt:t Redactions:s"
)
# The columns of the canonical record by version, and the bytes that come before them. Spans exist since version 2.
CANONICAL = {
    1: {"operational": _CONTENT_1, "audit": _CONTENT_1 | _AUDIT_1},
    2: {"operational": _CONTENT_2, "audit": _CONTENT_2 | _AUDIT_2, "spans": _SPAN_2},
}
MARKS = {1: b"", 2: (-2).to_bytes(8, "little", signed=True)}
LATEST = max(CANONICAL)
RECORD_TABLES = {"operational": "otel_logs", "audit": "audit_logs", "spans": "otel_traces"}
RECORDS = {stream: _columns("LogId:s BatchId:u LeafIndex:8") | columns for stream, columns in CANONICAL[LATEST].items()}


class UnreadableError(Exception):
    """ClickHouse does not answer, or not in the expected form."""


class Database:
    """One database of a ClickHouse server, read with pinned settings."""

    def __init__(self, url: str) -> None:
        """Open ``http(s)://user:password@host:8123/database``."""
        self._url = urlsplit(url)
        self._settings = dict(line.split("\t") for line in _SETTINGS.read_text(encoding="utf-8").splitlines())
        self._settings |= {"database": self._url.path.strip("/"), "wait_end_of_query": "1"}

    def rows(self, table: str, columns: dict[str, str]) -> Iterator[tuple[Any, ...]]:
        """Yield every row of a table: no condition, so no index has a say."""
        return self._rows(f"SELECT {', '.join(f'`{name}`' for name in columns)} FROM {table}", columns)

    def text(self, sql: str) -> str:
        """Return the answer to a query in format TSV."""
        return self._ask(f"{sql} FORMAT TSV").read().decode()

    def _rows(self, sql: str, columns: dict[str, str]) -> Iterator[tuple[Any, ...]]:
        # With names, because an empty body could be an empty table as well as a lost answer.
        answer = self._ask(f"{sql} FORMAT RowBinaryWithNames")
        if [_value(answer, "s") for _ in range(_count(answer))] != [name.encode() for name in columns]:
            raise UnreadableError(f"ClickHouse did not answer with the columns of {sql}")
        while answer.peek(1):
            yield tuple(_value(answer, kind) for kind in columns.values())

    def _ask(self, sql: str) -> io.BufferedReader:
        url, secure = self._url, self._url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(url.hostname or "", url.port or (8443 if secure else 8123), timeout=600)
        login = f"{unquote(url.username or 'default')}:{unquote(url.password or '')}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        try:
            connection.request("POST", f"/?{urlencode(self._settings)}", sql.encode(), headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise UnreadableError(f"ClickHouse cannot be reached: {error}") from error
        if answer.status != http.client.OK:
            message = answer.read(1000).decode(errors="replace")
            if answer.getheader("X-ClickHouse-Exception-Code") == _UNKNOWN_SETTING:
                # Sent first and left out if refused: a list of what there is may be bent itself.
                named = {
                    found.start(): name for name in self._settings if (found := re.search(rf"\b{name}\b", message))
                }
                del self._settings[named[min(named)]]
                return self._ask(sql)
            raise UnreadableError(f"ClickHouse refuses a query: {message}")
        return io.BufferedReader(cast(io.RawIOBase, answer), 1 << 20)


def _bytes(stream: io.BufferedReader, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise UnreadableError("an answer of ClickHouse ends within a row")
    return data


def _count(stream: io.BufferedReader) -> int:
    value = shift = 0
    while (byte := _bytes(stream, 1)[0]) >= 0x80:
        value, shift = value | (byte & 0x7F) << shift, shift + 7
    return value | byte << shift


def _value(stream: io.BufferedReader, kind: str) -> Any:
    if kind.startswith("a"):
        return [_value(stream, kind[1:]) for _ in range(_count(stream))]
    if kind == "s":
        return _bytes(stream, _count(stream))
    if kind == "m":
        return [(_value(stream, "s"), _value(stream, "s")) for _ in range(_count(stream))]
    if kind == "u":
        halves = _bytes(stream, 16)
        return UUID(bytes=halves[7::-1] + halves[:7:-1])
    if kind == "h":
        return _bytes(stream, 32)
    return int.from_bytes(_bytes(stream, 8 if kind == "t" else int(kind)), "little", signed=kind == "t")


def encode(value: Any, kind: str) -> bytes:
    """Encode a value as RowBinary; the pairs of a map are sorted by key, and then by value."""
    if kind.startswith("a"):
        return _encode_count(len(value)) + b"".join(encode(element, kind[1:]) for element in value)
    if kind == "s":
        return _encode_count(len(value)) + bytes(value)
    if kind == "m":
        texts = [text for pair in sorted(value) for text in pair]
        return _encode_count(len(value)) + b"".join(encode(text, "s") for text in texts)
    if kind == "h":
        return bytes(value)
    return int(value).to_bytes(8 if kind == "t" else int(kind), "little", signed=kind == "t")


def _encode_count(count: int) -> bytes:
    encoded = bytearray()
    while count >= 0x80:
        encoded.append(count & 0x7F | 0x80)
        count >>= 7
    return bytes((*encoded, count))


def leaf_hash(stream: str, values: dict[str, Any], version: int) -> bytes:
    """Return the leaf hash of a record: of the SHA-256 of its canonical record."""
    columns = CANONICAL[version][stream].items()
    record = MARKS[version] + b"".join(encode(values[name], kind) for name, kind in columns)
    return sha256(b"\0" + sha256(record).digest()).digest()


def fault(stream: str, values: dict[str, Any], version: int) -> str:
    """Say in which way columns that are not hashed, or the order of a map, differ from the hashed ones; else ''."""
    for name, kind in CANONICAL[LATEST][stream].items():
        maps = {"m": [values[name]], "am": values[name]}.get(kind, ())
        if any(sorted(pairs, key=lambda pair: pair[0]) != sorted(pairs) for pairs in maps):
            return f"the values of a repeated key in {name} are in another order than they were stored"
        if name not in CANONICAL[version][stream] and values[name]:
            return f"{name} is not empty, but records of version {version} do not have it"
    if version == 1 and values["Timestamp"] < 0:
        return "a record of version 1 does not begin with a negative number"
    return ""
