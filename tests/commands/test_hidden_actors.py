"""Hints for searches by actors that redaction hides."""

from __future__ import annotations

from functools import partial

import pytest

from lognotary.v1 import correlation_pb2 as pb
from server.api.correlation import search_records
from server.commands.hidden_actors import actor_fields, hidden_actor_lines, hint
from server.log.journal import Journal
from server.query.errors import QueryTooExpensiveError
from storage.engine import Engine
from tests.api.store import Writer, audit_event, moment

HASHED = "[hmac:key.custom:6b2f0c1d9a8e7f34]"
REMOVED = "[redacted:key.custom]"
DISCLOSED = f"[redacted:key.custom:sha256:{'0a' * 32}]"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", []),
        ("alice", []),
        ("actor:alice", ["actor"]),
        ("ActorId:al* OR actor:bob", ["actor"]),
        ('action:x AND (effective_actor:"root" OR actor_name:alice)', ["effective_actor", "actor_name"]),
        ("target:alice -actor:alice", []),
        (r"actor:\[redacted:*", []),
        ("actor:*", []),
        ("severity:error LogAttributes.user.id:alice", []),
    ],
)
def test_a_query_searches_for_actors_in_its_fields_of_actors(query: str, fields: list[str]) -> None:
    assert actor_fields(query) == fields


def test_a_hint_says_how_to_search_for_each_kind_of_mark() -> None:
    assert hint("actor", HASHED) == (
        f"redaction has replaced actors of other records by marks, such as {HASHED}. Equal actors have equal marks; "
        f"find the records of that one with: lognotary audit --actor '{HASHED}'"
    )
    assert hint("effective_actor", REMOVED) == (
        f"redaction has replaced actors of other records by marks, such as {REMOVED}. Find these records with: "
        "lognotary audit --effective-actor '[redacted:*'"
    )
    assert hint("actor", DISCLOSED).endswith(
        "lognotary audit --actor '[redacted:*'; 'lognotary disclose RECORD' shows the actor of one"
    )
    assert hint("actor_name", REMOVED).endswith(r"lognotary search 'actor_name:\[redacted:*'")
    assert hint("actor_name", HASHED).endswith(f"""lognotary search 'actor_name:"{HASHED}"'""")


def test_marks_are_looked_for_in_the_searched_fields_and_range_of_time(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("login", at=5, actor=HASHED), audit_event("logout", at=5, actor="bob")])
    search = partial(search_records, engine, writer.keys)
    assert hidden_actor_lines(search, ["actor"], pb.SearchRequest()) == [hint("actor", HASHED)]
    assert hidden_actor_lines(search, ["effective_actor", "actor_name"], pb.SearchRequest()) == []
    assert hidden_actor_lines(search, ["actor"], pb.ActorTimelineRequest(until=moment(5))) == []
    assert hidden_actor_lines(search, ["actor"], pb.SearchAuditEventsRequest(since=moment(6))) == []
    assert hidden_actor_lines(search, [], pb.SearchRequest()) == []
    writer.write([audit_event("login", at=9, actor="u-1", actor_name=REMOVED)])
    assert hidden_actor_lines(search, ["actor"], pb.SearchRequest(since=moment(6))) == [hint("actor_name", REMOVED)]


def test_a_hint_that_cannot_be_found_is_left_out() -> None:
    def search(_: pb.SearchRequest) -> pb.SearchResponse:
        raise QueryTooExpensiveError("too much")

    assert hidden_actor_lines(search, ["actor"], pb.SearchRequest()) == []
