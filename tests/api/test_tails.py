"""Tails, with both engines: what is committed, in order, each record once, over reconnects; and what was missed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.errors import InvalidArgumentError
from server.api.tails import Tails
from tests.api.store import START, Writer, audit_event, log_record, span


@asynccontextmanager
async def following(writer: Writer, query: str = "", tails: Tails | None = None, **request: Any) -> AsyncIterator[Any]:
    """Follow; yields the answers, of which the first was received."""
    tails = tails or Tails(writer.engine, lambda: writer.keys)
    async with aclosing(tails.follow(pb.TailRequest(query=query, **request))) as answers:
        yield answers


def bodies(answer: pb.TailResponse) -> Iterator[str]:
    for entry in answer.entries:
        content = getattr(entry, entry.WhichOneof("entry"))
        yield content.name if entry.WhichOneof("entry") == "span" else content.body


async def read(answers: Any, number: int) -> tuple[list[str], str]:
    """Return the bodies of so many records, and the last cursor."""
    found: list[str] = []
    while len(found) < number:
        answer = await anext(answers)
        found += bodies(answer)
    return found, answer.cursor


async def test_a_tail_has_what_is_committed_after_it_began_with_evidence(writer: Writer) -> None:
    writer.write([log_record("before")])
    async with following(writer) as answers:
        first = await anext(answers)
        assert (list(first.entries), first.behind) == ([], 0)
        writer.write([log_record("one"), audit_event("login"), log_record("two")])
        found, _ = await read(answers, 3)
        assert sorted(found) == ["alice did login", "one", "two"]
        writer.write([log_record("three")])
        answer = await anext(answers)
        assert list(bodies(answer)) == ["three"]
        assert answer.entries[0].log.evidence.state == evidence_pb2.VERIFIED
        assert (answer.behind, answer.missed_records) == (0, 0)


async def test_only_records_of_the_query_and_the_streams_are_in_it(writer: Writer) -> None:
    async with following(writer, "paid OR login", streams=["audit", "spans"]) as answers:
        await anext(answers)
        writer.write([log_record("order paid"), audit_event("login"), audit_event("logout")])
        writer.write_spans([span("paid"), span("other")])
        found, _ = await read(answers, 2)
        assert sorted(found) == ["alice did login", "paid"]


async def test_a_tail_goes_on_from_a_cursor_with_another_server(writer: Writer) -> None:
    async with following(writer) as answers:
        cursor = (await anext(answers)).cursor
        writer.write([log_record(f"a {number}") for number in range(3)])
        _, cursor = await read(answers, 3)
    writer.write([log_record(f"b {number}") for number in range(3)], received=START + 1000)
    writer.write([audit_event("login")], received=START + 2000)  # a log that is new since
    async with following(writer, cursor=cursor) as answers:
        writer.write([log_record("c")], received=START + 3000)
        more, cursor = await read(answers, 5)
        assert more == ["b 0", "b 1", "b 2", "alice did login", "c"]
        assert (await anext(answers)).behind == 0


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30=", "ZZZZZZZZ" * 10])
async def test_a_malformed_cursor_is_refused(writer: Writer, cursor: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cursor: this is not a cursor that a tail gave out"):
        async with following(writer, cursor=cursor) as answers:
            await anext(answers)
