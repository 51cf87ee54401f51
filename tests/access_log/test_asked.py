"""Requests in records of who looked: a query cannot be hidden in its own record."""

from __future__ import annotations

import json

import pytest

from lognotary.v1.correlation_pb2 import SearchAuditEventsRequest, SearchRequest
from server.access_log.asked import asked_text
from server.access_log.event import AccessEvent, Actor, Outcome
from server.access_log.record import access_record
from server.access_log.redacting import without_secrets

HIDDEN = "actor:ceo AND outcome:failure"


def recorded(query: str) -> str:
    """Return the request as its record has it after all redaction, once more as the server redacts what it receives."""
    asked = asked_text(SearchRequest(query=query))
    event = AccessEvent("search", Outcome.SUCCESS, Actor("mallory", "token"), "grpc", asked=asked)
    record = access_record(event, "id", 1, redact=without_secrets)
    (request,) = (each.value.string_value for each in record.attributes if each.key == "lognotary.access.request")
    return without_secrets(request)


@pytest.mark.parametrize(
    "before",
    [
        " " * 3900,
        "\n" * 3900,
        '\\"' * 1900,
        'NOT "-----BEGIN PRIVATE KEY-----" AND ',
        'NOT "-----BEGIN OPENSSH PRIVATE KEY-----\\n" AND ',
        'NOT "password=" AND ',
        'NOT "password: " AND ',
        """NOT "password='" AND """,
        'NOT "Authorization: Bearer " AND ',
        'NOT "Authorization: Basic" AND ',
        'NOT "Cookie: a=" AND ',
        'NOT "https://user:" AND ',
        'NOT "\\"password\\":\\"" AND ',
        'NOT "lgn_" AND ',
        'NOT "a" AND ' * 200 + 'NOT "password=" AND ',
    ],
)
def test_what_stands_before_a_condition_does_not_hide_it(before: str) -> None:
    assert HIDDEN in recorded(f"{before}{HIDDEN}"[:4096])


@pytest.mark.parametrize(
    "query", ["password=hunter2hunter2", '"password=hunter2hunter2" AND a:b', "a lgn_hunter2hunter2"]
)
def test_secrets_in_a_query_are_not_recorded(query: str) -> None:
    assert "hunter2" not in recorded(query)


def test_other_texts_are_cut_and_the_query_comes_first() -> None:
    shown = json.loads(asked_text(SearchAuditEventsRequest(query="a:b", actor_id="x" * 600)))
    assert list(shown) == ["query", "actor_id"]
    assert shown["actor_id"] == f"{'x' * 500}… (100 more characters)"
