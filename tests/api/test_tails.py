"""Tails, with both engines: every committed record, in order and once, over reconnects; and missed leaves."""

from __future__ import annotations

import asyncio
import base64
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.waiting import PATIENCE, until
from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api import tails as tails_module
from server.api.errors import InvalidArgumentError
from server.api.tail_cursors import make_cursor, parse_cursor
from server.api.tails import Tails
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.process.pools import PoolFullError
from storage.engine import EngineWrapper
from storage.errors import NotAppliedError
from tests.api.store import LOGS, START, Writer, audit_event, log_record, span
from tests.counting_engine import CountingEngine


@asynccontextmanager
async def following(writer: Writer, query: str = "", tails: Tails | None = None, **request: Any) -> AsyncIterator[Any]:
    """Follow; yield the iterator of answers once the first answer has come."""
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
    writer.write([audit_event("login")], received=START + 2000)  # a log that is new after the cursor
    async with following(writer, cursor=cursor) as answers:
        writer.write([log_record("c")], received=START + 3000)
        more, cursor = await read(answers, 5)
        assert more == ["b 0", "b 1", "b 2", "alice did login", "c"]
        assert (await anext(answers)).behind == 0


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30=", "ZZZZZZZZ" * 10])
async def test_a_malformed_cursor_is_refused(writer: Writer, cursor: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cursor: the cursor does not come from a tail"):
        async with following(writer, cursor=cursor) as answers:
            await anext(answers)


async def test_there_are_only_so_many_tails_and_one_that_ends_makes_room(writer: Writer) -> None:
    tails = Tails(writer.engine, lambda: writer.keys, most=2)
    async with following(writer, tails=tails) as one, following(writer, tails=tails) as two:
        await anext(one)
        await anext(two)
        with pytest.raises(PoolFullError, match="the server already has 2 tails"):
            async with following(writer, tails=tails) as three:
                await anext(three)
        assert tails.number == 2
        await two.aclose()
        async with following(writer, tails=tails) as three:
            await anext(three)
    assert tails.number == 0


class FailingEngine(EngineWrapper):
    """An engine that can be made to fail."""

    fails = False

    def query(self, *arguments: Any, **keywords: Any) -> bytes:
        if self.fails:
            raise NotAppliedError("storage is away")
        return super().query(*arguments, **keywords)


async def test_a_caller_has_only_so_many_tails_and_leaves_room_for_others(writer: Writer) -> None:
    tails = Tails(writer.engine, lambda: writer.keys, most=3, most_of_caller=1)
    async with (
        aclosing(tails.follow(pb.TailRequest(), "one")) as first,
        aclosing(tails.follow(pb.TailRequest(), "one")) as second,
        aclosing(tails.follow(pb.TailRequest(), "other")) as third,
    ):
        await anext(first)
        with pytest.raises(PoolFullError, match="the caller already has 1 tails"):
            await anext(second)
        await anext(third)


class HeldTails(Tails):
    """Tails whose start can be held up."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.may_begin = threading.Event()
        self.may_begin.set()

    def _begin(self, *arguments: Any) -> Any:
        assert self.may_begin.wait(PATIENCE)
        return super()._begin(*arguments)


async def test_a_tail_that_has_not_begun_does_not_end_with_the_feed_of_others(writer: Writer) -> None:
    engine = FailingEngine(writer.engine)
    tails = HeldTails(engine, lambda: writer.keys)
    async with following(writer, tails=tails) as one, following(writer, tails=tails) as two:
        await anext(one)
        tails.may_begin.clear()
        second = asyncio.ensure_future(anext(two))
        await until(lambda: tails.number == 2)
        engine.fails = True
        with pytest.raises(NotAppliedError, match="storage is away"):
            await anext(one)
        engine.fails = False
        tails.may_begin.set()
        await second
        writer.write([log_record("one")])
        assert list(bodies(await anext(two))) == ["one"]


async def test_all_tails_share_one_look_for_new_batches_and_none_looks_when_there_are_none(writer: Writer) -> None:
    writer.write([log_record("before")])
    engine = CountingEngine(writer.engine)
    tails = Tails(engine, lambda: writer.keys)
    async with AsyncExitStack() as stack:
        many = [await stack.enter_async_context(following(writer, tails=tails)) for _ in range(8)]
        for one in many:
            await anext(one)
        engine.queries.clear()
        waiting = [asyncio.ensure_future(anext(one)) for one in many]
        await until(lambda: len(engine.queries) >= 6)
        looks = [query for query in engine.queries if " FROM log_batches WHERE " in query]
        assert looks == engine.queries, "nobody reads anything else"
        writer.write([log_record("one")])
        assert [list(bodies(answer)) for answer in await asyncio.gather(*waiting)] == [["one"]] * 8
    await until(lambda: not any(thread.name == "tail-feed" for thread in threading.enumerate()))


async def test_tails_end_when_storage_is_away_and_begin_again_when_it_is_back(writer: Writer) -> None:
    engine = FailingEngine(writer.engine)
    tails = Tails(engine, lambda: writer.keys)
    async with following(writer, tails=tails) as answers:
        cursor = (await anext(answers)).cursor
        engine.fails = True
        with pytest.raises(NotAppliedError, match="storage is away"):
            await anext(answers)
    engine.fails = False
    writer.write([log_record("meanwhile")])
    async with following(writer, tails=tails, cursor=cursor) as answers:
        assert (await read(answers, 1))[0] == ["meanwhile"]


async def test_a_cursor_behind_the_end_of_a_log_is_refused(writer: Writer) -> None:
    writer.write([log_record("one")])
    cursor = make_cursor({LOGS[Stream.OPERATIONAL].log_id: 2, "0" * 16: 5})
    with pytest.raises(
        InvalidArgumentError, match="cursor: the cursor is after record 1 of shop/operational/node-1, but"
    ):
        async with following(writer, cursor=cursor) as answers:
            await anext(answers)


async def test_a_cursor_of_another_storage_or_of_made_up_logs_is_refused(writer: Writer) -> None:
    writer.write([log_record("one")])
    made_up = {f"{number:016x}": 1 for number in range(2000)}
    for positions in ({"0" * 16: 5}, {LOGS[Stream.OPERATIONAL].log_id: 1, **made_up}):
        with pytest.raises(InvalidArgumentError, match="cursor: this storage does not have the logs of the cursor"):
            async with following(writer, cursor=make_cursor(positions)) as answers:
                await anext(answers)


async def test_a_stream_that_is_not_signed_is_refused_and_the_others_are_followed(writer: Writer) -> None:
    writer.keys += TrustedKeys(unsigned_streams=frozenset({Stream.OPERATIONAL}))
    with pytest.raises(InvalidArgumentError, match="streams: operational records are not signed here"):
        async with following(writer, streams=["audit", "operational"]) as answers:
            await anext(answers)
    async with following(writer) as answers:
        await anext(answers)
        writer.write([audit_event("login")])
        assert (await read(answers, 1))[0] == ["alice did login"]


@given(st.dictionaries(st.from_regex("[0-9a-f]{16}", fullmatch=True), st.integers(0, (1 << 63) - 1), max_size=40))
def test_a_cursor_has_the_positions_it_was_made_of(positions: dict[str, int]) -> None:
    assert parse_cursor(make_cursor(positions)) == positions


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda some: base64.b64encode(zlib.compress(some)).decode()))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with suppress(InvalidArgumentError):
        assert parse_cursor(text) == parse_cursor(make_cursor(parse_cursor(text)))


async def test_a_tail_of_which_nothing_matches_says_where_it_is(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails_module, "HEARTBEAT", 0.05)
    async with following(writer, "nothinglikethis") as answers:
        first = (await anext(answers)).cursor
        writer.write([log_record("one")])
        answer = await anext(answers)
        while answer.cursor == first:
            answer = await anext(answers)
        assert (list(answer.entries), answer.behind) == ([], 0)
        assert parse_cursor(answer.cursor) == {LOGS[Stream.OPERATIONAL].log_id: 1}


@pytest.mark.parametrize("check", [pb.CHECK_SIGNATURES, pb.CHECK_RECORDS])
async def test_evidence_is_as_thorough_as_it_was_asked_for(writer: Writer, check: pb.EvidenceCheck) -> None:
    async with following(writer, check=check) as answers:
        await anext(answers)
        writer.write([log_record("one")])
        (entry,) = (await anext(answers)).entries
        assert entry.log.evidence.state == (
            evidence_pb2.SIGNED if check == pb.CHECK_SIGNATURES else evidence_pb2.VERIFIED
        )
