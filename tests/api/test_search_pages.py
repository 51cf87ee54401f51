"""Pages of a search while records arrive, and among rows that nobody signed."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import search_records
from server.log.journal import Journal
from storage.engine import Engine
from tests.api.store import Writer, audit_event, log_record

DAY = 86_400 * 10**9


def find(writer: Writer, query: str = "", **request: Any) -> pb.SearchResponse:
    return search_records(writer.engine, writer.keys, pb.SearchRequest(query=query, **request))


def names(response: pb.SearchResponse) -> list[str]:
    return [entry.audit_event.audit.action or entry.log.body for entry in response.entries]


def test_pages_stay_right_while_records_arrive(engine: Engine, journal: Journal) -> None:
    """Records that were there are on one page each, whatever arrives between pages, to the nanosecond."""
    chosen = random.Random(7)
    writer = Writer(engine, journal)
    numbers = count()

    def write(records: int) -> set[str]:
        made = []
        for number in (next(numbers) for _ in range(records)):
            time = chosen.choice([0, 1, 2, 5, 60 * 10**9, DAY, 90 * DAY])
            made.append(log_record(f"r{number}", at=time) if number % 3 else audit_event(f"r{number}", at=time))
        writer.write(made)
        return {record.body.string_value.removeprefix("alice did ") for record in made}

    there = write(60)
    found: list[str] = []
    token = ""
    while True:
        page = find(writer, page_size=7, page_token=token)
        found += names(page)
        token = page.next_page_token
        if not token:
            break
        write(3)
    assert len(found) == len(set(found))
    assert there <= set(found)
    whole = names(find(writer, page_size=1000))
    assert found == [name for name in whole if name in set(found)]


def test_rows_that_nobody_signed_come_last_and_take_no_place(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("a1", at=0), log_record("o1", at=1), audit_event("a2", at=2), log_record("o2", at=3)])
    for table, other in (("audit_logs", "otel_logs"), ("otel_logs", "audit_logs")):
        # As if they were entries of the other stream's log, at the same times.
        engine.execute(
            f"INSERT INTO {table} (Timestamp, Body, LogId, BatchId, LeafIndex, IngestedAt) SELECT Timestamp, "
            f"concat('forged ', Body), LogId, BatchId, LeafIndex, IngestedAt FROM {other} "
            "WHERE NOT startsWith(Body, 'forged')"
        )
    found: list[tuple[str, int]] = []
    token = ""
    while True:
        page = find(writer, page_size=3, page_token=token)
        for entry in page.entries:
            record = getattr(entry, entry.WhichOneof("entry"))
            found.append((record.audit.action or record.body, record.evidence.state))
        token = page.next_page_token
        assert page.unproved_omitted == bool(token)
        if not token:
            break
    assert [name for name, state in found if state == evidence_pb2.VERIFIED] == ["o2", "a2", "o1", "a1"]
    others = [number for number, (_, state) in enumerate(found) if state != evidence_pb2.VERIFIED]
    assert min(others) >= 3
    assert sorted(found[number][0] for number in others) == sorted(
        ["forged alice did a1", "forged alice did a2", "forged o1", "forged o2"]
    )
    unproved = find(writer, "-evidence:verified", page_size=100)
    assert len(unproved.entries) == 4
