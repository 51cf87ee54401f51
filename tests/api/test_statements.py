"""Statements of a log in pages, with both engines: what they say, whether they are valid, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1 import evidence_pb2_grpc
from server.access.callers import Grant, Role
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.messages import from_nanos
from server.api.page_tokens import StatementPosition, make_statements_token, parse_statements_token
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, StatementRow, data_digest, open_statement, sign_statement
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.statements import insert_statements
from tests.api.growing import update
from tests.api.guarded import Guarded
from tests.api.store import LOGS, START, Writer, log_record, serving

NAME = LOGS[Stream.OPERATIONAL]
SIGNER = Signer.generate()
KEYS = TrustedKeys(named=tuple(SIGNER.verifier_key(name.origin) for name in LOGS.values()))
T0 = START // 10**9
KINDS = ("heartbeat", "retention", "witnessed", "heartbeat", "timestamped")


def said(number: int, kind: str = "heartbeat", *, data: bytes = b"", signer: Signer = SIGNER) -> StatementRow:
    """Return a statement that was signed so many seconds after START."""
    words = (data_digest(data),) if data else ("forever",) if kind == "retention" else ()
    checkpoint = Checkpoint(NAME.origin, 10 * number, bytes(32))
    statement = Statement(checkpoint, number, T0 + number, StatementKind(kind), words)
    return sign_statement(statement, [signer], data)


def data_of(kind: str) -> bytes:
    return {"witnessed": b"\xe2\x80\x94 witness.example abcd\n", "timestamped": b"\x30\x03\xff"}.get(kind, b"")


@pytest.fixture
def rows(engine: Engine) -> list[StatementRow]:
    """Five statements of one log."""
    made = [said(number, kind, data=data_of(kind)) for number, kind in enumerate(KINDS, 1)]
    insert_statements(engine, made)
    return made


def listed(engine: Engine, keys: TrustedKeys = KEYS, **request: Any) -> pb.ListStatementsResponse:
    return Backend(engine, keys).list_statements(pb.ListStatementsRequest(**{"log": NAME.origin, **request}))


def numbers(response: pb.ListStatementsResponse) -> list[int]:
    return [one.number for one in response.statements]


def paged(engine: Engine, size: int, **request: Any) -> Iterator[pb.Statement]:
    token = ""
    while True:
        page = listed(engine, page_size=size, page_token=token, **request)
        assert len(page.statements) <= size
        yield from page.statements
        token = page.next_page_token
        if not token:
            return
        assert len(page.statements) == size


@pytest.mark.parametrize("log", [NAME.origin, NAME.log_id])
def test_the_latest_statement_is_first_and_each_is_as_it_was_signed(
    engine: Engine, rows: list[StatementRow], log: str
) -> None:
    found = listed(engine, log=log)
    assert (found.origin, found.log_id, found.next_page_token) == (NAME.origin, NAME.log_id, "")
    for message, row in zip(found.statements, reversed(rows), strict=True):
        statement, note = open_statement(message.note)
        assert note.verify(KEYS.named)
        assert (message.number, message.kind, message.tree_size) == (
            statement.number,
            statement.kind.value,
            statement.checkpoint.size,
        )
        assert message.signed_at == from_nanos(statement.time * 10**9)
        assert (message.data, message.problem) == (row.data, "")


def test_a_real_log_begins_with_statements_that_are_valid(writer: Writer) -> None:
    writer.write([log_record("a")])
    found = listed(writer.engine, writer.keys).statements
    assert len(found) == 1
    assert [one.problem for one in found] == [""]
    assert open_checkpoint(found[0].note)[0].origin == NAME.origin


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.usefixtures("rows")
def test_all_pages_together_are_all_statements_once(engine: Engine, size: int) -> None:
    assert [one.number for one in paged(engine, size)] == [5, 4, 3, 2, 1]
    assert [one.number for one in paged(engine, size, kinds=["heartbeat", "keys"])] == [4, 1]


@pytest.mark.usefixtures("rows")
def test_a_statement_that_is_signed_between_two_calls_moves_no_other_to_another_page(engine: Engine) -> None:
    first = listed(engine, page_size=2)
    insert_statements(engine, [said(6)])
    assert numbers(listed(engine, page_size=2, page_token=first.next_page_token)) == [3, 2]


def test_rows_with_the_same_number_are_all_listed(engine: Engine, rows: list[StatementRow]) -> None:
    insert_statements(engine, [replace(rows[2], note=f"other {turn}") for turn in range(3)])
    found = list(paged(engine, 2))
    assert [one.number for one in found] == [5, 4, 3, 3, 3, 3, 2, 1]
    assert len({one.note for one in found}) == 8
    assert [bool(one.problem) for one in found].count(True) == 3


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, [5, 4, 3, 2, 1]),
        (3 * 10**9, None, [5, 4, 3]),
        (3 * 10**9 - 1, 4 * 10**9, [3]),
        (3 * 10**9 + 1, 4 * 10**9 + 1, [4]),
        (None, 1 * 10**9, []),
    ],
)
@pytest.mark.usefixtures("rows")
def test_the_range_is_of_the_time_of_signing(
    engine: Engine, since: int | None, until: int | None, expected: list[int]
) -> None:
    ends = {"since": since, "until": until}
    asked: dict[str, Any] = {name: from_nanos(START + end) for name, end in ends.items() if end is not None}
    assert numbers(listed(engine, **asked)) == expected


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("TreeSize = 7", "TreeSize does not agree with the note"),
        (f"SignedAt = toDateTime({T0}, 'UTC')", "SignedAt does not agree with the note"),
        ("Kind = 'made up'", "Kind does not agree with the note"),
        ("Data = 'x'", "Data does not agree with the note"),
        ("Note = concat(Note, 'x')", "it is not as it was signed"),
        ("Note = ''", "it is not as it was signed"),
    ],
)
@pytest.mark.usefixtures("rows")
def test_a_statement_that_was_altered_has_a_problem_and_no_other(engine: Engine, change: str, why: str) -> None:
    update(engine, "log_statements", change, "Number = 3")
    found = listed(engine).statements
    assert [why in one.problem for one in found] == [False, False, True, False, False]
    assert [bool(one.problem) for one in found] == [False, False, True, False, False]


@pytest.mark.usefixtures("rows")
def test_a_statement_that_no_known_key_signed_has_a_problem(engine: Engine) -> None:
    insert_statements(engine, [said(6, signer=Signer.generate())])
    found = listed(engine).statements
    assert "statement 6 of log " in found[0].problem
    assert {one.problem for one in found[1:]} == {""}
    assert listed(engine, TrustedKeys(), log=NAME.log_id).origin == "", "nobody vouches for a name"


def test_a_log_without_statements_has_none_and_a_log_that_does_not_exist_is_not_found(writer: Writer) -> None:
    writer.write([log_record("a")])
    writer.engine.execute("TRUNCATE TABLE log_statements")
    assert numbers(listed(writer.engine)) == []
    for log in ("shop/audit/node-1", "0" * 16):
        with pytest.raises(NotFoundError, match=f"there is no log {log}"):
            listed(writer.engine, log=log)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"log": "no log"}, "names no log"),
        ({"kinds": ["heartbeats"]}, "kinds: .*did you mean 'heartbeat'"),
        ({"since": from_nanos(2), "until": from_nanos(1)}, "since .* is not before until"),
        ({"page_token": "x"}, "the page token is not one that this server gave out"),
        ({"page_token": make_statements_token(StatementPosition(3), "else")}, "belongs to another search"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_understood_is_refused(engine: Engine, request_: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        listed(engine, **request_)


@given(number=st.integers(0, 2**64 - 1), skipped=st.integers(0, 2**63 - 1), asked=st.text())
def test_a_page_token_leads_to_its_position(number: int, skipped: int, asked: str) -> None:
    position = StatementPosition(number, skipped)
    assert parse_statements_token(make_statements_token(position, asked), asked) == position


@pytest.mark.parametrize("position", [StatementPosition(2**64), StatementPosition(-1), StatementPosition(1, -1)])
def test_a_page_token_with_numbers_out_of_range_is_refused(position: StatementPosition) -> None:
    with pytest.raises(InvalidArgumentError, match="page token"):
        parse_statements_token(make_statements_token(position, ""), "")


async def test_over_grpc_and_http_the_answers_are_the_same(engine: Engine, rows: list[StatementRow]) -> None:
    async with serving(engine, KEYS) as channel:
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        found = await stub.ListStatements(pb.ListStatementsRequest(log=NAME.log_id, kinds=["retention", "witnessed"]))
    assert numbers(found) == [3, 2]
    grants = {"auditor": (Grant(Role.AUDITOR),), "bravo": (Grant(Role.AUDITOR, frozenset({"bravo"})),)}
    async with Guarded(engine, grants, KEYS).http() as client:
        path = f"/api/v1/logs/{NAME.log_id}/statements?kinds=retention,witnessed"
        answer = await client.get(path, headers={"authorization": "Bearer auditor"})
        assert [one["number"] for one in answer.json()["statements"]] == ["3", "2"]
        assert answer.json()["statements"][0]["note"] == rows[2].note
        other = await client.get(path, headers={"authorization": "Bearer bravo"})
        assert (other.status_code, other.json()["code"]) == (404, "NOT_FOUND")
