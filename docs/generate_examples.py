"""Generate the test vectors for verifiers in ``examples``: ``store.sql``, and ``verifier/settings.tsv``.

Run ``python docs/generate_examples.py`` after changing the store here, or the settings in ``storage/read_settings.py``.
A test fails if the files are out of date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.notary.batch import LogState, NotarizedBatch, compute_batch_id, notarize
from server.notary.canonical import (
    CANONICAL_VERSION,
    Kind,
    canonical_columns,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
    leaf_of,
    mark_of,
)
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, Signer
from server.notary.statement import (
    Statement,
    StatementKind,
    StatementRow,
    key_change_words,
    sign_statement,
)
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, STATEMENT_COLUMNS, TILE_COLUMNS, TableColumn, quoted_column

__all__ = ["SIGNERS", "settings_tsv", "store_sql"]

_EXAMPLES = Path(__file__).parent / "examples"
_START = 1_767_225_600  # 2026-01-01T00:00:00Z
_SECOND = 10**9

SIGNERS = tuple(
    # The private keys of tests 1 and 2 in RFC 8032, section 7.1: known to everybody.
    Signer(Ed25519Key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key))))
    for key in (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    )
)
"""The keys that sign the store, one after the other."""

_Value = int | str | list[tuple[str, str]]
Record = dict[str, _Value | tuple[_Value, ...]]
"""The columns of a record or span that are not empty, by name; a tuple is an array."""

# Columns that version 1 does not have.
_NEW: Record = {"Tenant": "shop", "Sender": "collector-1"}
_NEW_AUDIT: Record = {
    "AuditRecordId": "3f1c",
    "ActorName": "Alice Liddell",
    "EffectiveActorId": "root",
    "SessionId": "s-17",
    "SourceHost": "desk-4.example",
    "Description": "Zoë logged in",
}


@dataclass
class _Log:
    """A log that grows, and the statements that store it."""

    name: LogName
    signer: Signer = SIGNERS[0]
    state: LogState = field(init=False)
    sql: list[str] = field(default_factory=list)
    statements: int = 0

    def __post_init__(self) -> None:
        self.state = LogState(self.name)

    def append(self, records: Sequence[Record], *, version: int = CANONICAL_VERSION, stored: bool = True) -> None:
        """Append a batch of records of a version; ``stored``: with its records, which have not expired."""
        leaves = b"".join(leaf_of(_canonical(self.name.stream, record, version)) for record in records)
        times = [_number(record, "Timestamp") for record in records]
        received = max(_number(record, "IngestedAt") for record in records)
        made = notarize(
            self.state, leaves, self.signer, min_timestamp=min(times), max_timestamp=max(times), ingested_at=received
        )
        self.state = made.state
        batch = replace(made.batch, canonical_version=version)
        made = replace(made, batch=replace(batch, batch_id=compute_batch_id(batch)))
        if stored:
            self.sql += _records_sql(self.name, made, records)
        self.sql += _batch_sql(made)

    def state_now(self, kind: StatementKind, *words: str, at: int) -> None:
        """Append a statement, signed ``at`` seconds after the start; heartbeats and retention have a receipt bound."""
        if kind is not StatementKind.KEYS:
            words = (*words, str(self.state.range.size), str(_START + at - 3600))
        self._sign(kind, words, at, [self.signer])

    def change_key(self, after: Signer, at: int) -> None:
        """Append a change of keys."""
        origin = self.name.origin
        words = key_change_words(after.verifier_keys(origin), self.signer.verifier_keys(origin))
        self._sign(StatementKind.KEYS, words, at, [self.signer, after])
        self.signer = after

    def _sign(self, kind: StatementKind, words: tuple[str, ...], at: int, signers: Sequence[Signer]) -> None:
        self.statements += 1
        checkpoint = Checkpoint(self.name.origin, self.state.range.size, self.state.range.root())
        row = sign_statement(Statement(checkpoint, self.statements, _START + at, kind, words), signers)
        self.sql.append(_statement_sql(row))


def store_sql() -> str:
    """Return ``store.sql``."""
    orders = _Log(LogName("shop", Stream.OPERATIONAL, "a"))
    orders.state_now(StatementKind.RETENTION, "forever", at=0)
    orders.append([_order(number, 1) for number in range(250)], version=1)
    orders.state_now(StatementKind.HEARTBEAT, at=60)
    orders.append([_order(number, 61) | _NEW for number in range(250, 270)])
    orders.change_key(SIGNERS[1], at=120)
    orders.append([_order(number, 121) | _NEW for number in range(270, 272)])
    orders.state_now(StatementKind.HEARTBEAT, at=180)
    logins = _Log(LogName("shop", Stream.AUDIT, "a"))
    logins.state_now(StatementKind.RETENTION, "86400", at=0)
    logins.append([_login(number, 1) for number in range(3)], version=1, stored=False)
    logins.state_now(StatementKind.HEARTBEAT, at=60)
    logins.append([_login(number, 61) for number in range(3, 5)], version=1)
    logins.state_now(StatementKind.HEARTBEAT, at=120)
    logins.append([_login(number, 121) | _NEW | _NEW_AUDIT for number in range(5, 7)])
    logins.state_now(StatementKind.HEARTBEAT, at=180)
    traces = _Log(LogName("shop", Stream.SPANS, "a"))
    traces.state_now(StatementKind.RETENTION, "forever", at=0)
    traces.append([_span(number, 61) | _NEW for number in range(3)])
    traces.state_now(StatementKind.HEARTBEAT, at=120)
    head = (
        "-- Generated by docs/generate_examples.py: a store to accept; see docs/writing-a-verifier.md.\n"
        "-- The records of the first batch of shop/audit/a have expired. The first batch of shop/operational/a and\n"
        "-- the first two of shop/audit/a are of version 1 of the canonical record, the others of version 2.\n"
        "-- The entries of shop/spans/a are spans.\n"
    )
    return head + "".join(f"{statement};\n" for statement in (*orders.sql, *logins.sql, *traces.sql))


def settings_tsv() -> str:
    """Return ``settings.tsv``: the settings that a verifier sends."""
    from storage.read_settings import FULL_SCAN, PINNED

    return "".join(f"{name}\t{value}\n" for name, value in {**PINNED, **FULL_SCAN}.items())


def _order(number: int, received: int) -> Record:
    return {
        "Timestamp": _START * _SECOND + number,
        "SeverityText": "INFO",
        "SeverityNumber": 9,
        "ServiceName": "orders",
        "Body": f"order {number}",
        "ResourceAttributes": [("k8s.pod.name", "orders-1"), ("service.name", "orders")],
        "IngestedAt": (_START + received) * _SECOND,
    }


def _login(number: int, received: int) -> Record:
    return {
        "Timestamp": _START * _SECOND + number,
        "Body": "Anmeldung für Zoë",
        "LogAttributes": [("audit.action", "auth.login"), ("audit.actor.id", "alice"), ("group", "a"), ("group", "b")],
        "IngestedAt": (_START + received) * _SECOND,
        "ActorId": "alice",
        "Action": "auth.login",
        "Outcome": "success",
        "Category": "auth",
        "AuditRule": "otel-audit",
    }


def _span(number: int, received: int) -> Record:
    start = _START * _SECOND + number
    return {
        "Timestamp": start,
        "TraceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "SpanId": f"{number + 1:016x}",
        "SpanName": f"schritt {number} für Zoë",
        "SpanKind": "Server",
        "SpanAttributes": [("group", "a"), ("group", "b")],
        "Duration": 250_000_000,
        "StatusCode": "Error",
        "Events.Timestamp": (start + 5, start + 6),
        "Events.Name": ("retry", "retry"),
        "Events.Attributes": ([("n", "1"), ("reason", "limit")], []),
        "Links.TraceId": ("0af7651916cd43dd8448eb211c80319c",),
        "Links.SpanId": ("b7ad6b7169203331",),
        "Links.TraceState": ("",),
        "Links.Attributes": ([("group", "a"), ("group", "b")],),
        "IngestedAt": (_START + received) * _SECOND,
    }


def _canonical(stream: Stream, record: Record, version: int) -> bytes:
    columns = canonical_columns(stream, version)
    return mark_of(version) + b"".join(_encode(column.kind, record.get(column.name, 0)) for column in columns)


_NUMBERS = {Kind.TIME: encode_time, Kind.UINT8: encode_uint8, Kind.UINT32: encode_uint32, Kind.UINT64: encode_uint64}


def _encode(kind: Kind, value: _Value | tuple[_Value, ...]) -> bytes:
    """Encode a value; 0 is also the empty value of another type."""
    match value:
        case tuple(elements):
            return encode_array([_encode(kind.element or kind, element) for element in elements])
        case list(pairs):
            return encode_map(sorted((key.encode(), value.encode()) for key, value in pairs))
        case str(text):
            return encode_string(text.encode())
    return _NUMBERS.get(kind, encode_uint8)(value)


def _number(record: Record, column: str) -> int:
    value = record[column]
    assert isinstance(value, int)  # noqa: S101 - it is one of the times above
    return value


_TIMES = ("Timestamp", "IngestedAt", "Events.Timestamp")


def _records_sql(name: LogName, made: NotarizedBatch, records: Sequence[Record]) -> Iterator[str]:
    columns = [*records[0], "LogId", "BatchId", "LeafIndex"]
    rows = []
    for leaf, record in enumerate(records, made.batch.first_leaf):
        values = [_literal(value, time=column in _TIMES) for column, value in record.items()]
        rows.append(f"({', '.join((*values, _literal(name.log_id), _literal(str(made.batch.batch_id)), str(leaf)))})")
    yield f"INSERT INTO {RECORD_TABLES[name.stream]} ({', '.join(map(quoted_column, columns))}) VALUES\n" + ",\n".join(
        rows
    )


def _batch_sql(made: NotarizedBatch) -> Iterator[str]:
    batch = made.batch
    tiles = [
        f"('{batch.log_id}', {part.level}, {part.tile_index}, {part.offset}, unhex('{part.hashes.hex()}'), "
        f"'{batch.batch_id}', {batch.sequence})"
        for part in made.fragments
    ]
    yield f"INSERT INTO log_tiles ({_names(TILE_COLUMNS)}) VALUES\n" + ",\n".join(tiles)
    times = (_literal(time, time=True) for time in (batch.min_timestamp, batch.max_timestamp, batch.ingested_at))
    yield (
        f"INSERT INTO log_batches ({_names(BATCH_COLUMNS)}) VALUES\n('{batch.log_id}', '{batch.origin}', "
        f"'{batch.batch_id}', {batch.sequence}, {batch.first_leaf}, {batch.tree_size}, {batch.record_count}, "
        f"{', '.join(times)}, unhex('{batch.root_hash.hex()}'), unhex('{batch.frontier.hex()}'), "
        f"{_literal(batch.checkpoint)}, {batch.canonical_version})"
    )


def _statement_sql(row: StatementRow) -> str:
    return (
        f"INSERT INTO log_statements ({_names(STATEMENT_COLUMNS)}) VALUES\n('{row.log_id}', {row.number}, "
        f"'{row.kind}', {row.tree_size}, {row.signed_at}, {_literal(row.note)}, '')"
    )


def _names(columns: Sequence[TableColumn]) -> str:
    return ", ".join(column.name for column in columns)


def _literal(value: _Value | tuple[_Value, ...], *, time: bool = False) -> str:
    match value:
        case tuple(elements):
            return f"[{', '.join(_literal(element, time=time) for element in elements)}]"
        case int():
            return f"fromUnixTimestamp64Nano({value}, 'UTC')" if time else str(value)
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        case _:
            return "map(" + ", ".join(_literal(text) for pair in value for text in pair) + ")"


def main() -> None:
    """Write the files."""
    (_EXAMPLES / "store.sql").write_text(store_sql(), encoding="utf-8")
    (_EXAMPLES / "verifier" / "settings.tsv").write_text(settings_tsv(), encoding="utf-8")


if __name__ == "__main__":
    main()
