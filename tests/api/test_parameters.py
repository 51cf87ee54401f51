"""Requests of the HTTP API: what is wrong with one is said in words that name the field."""

from __future__ import annotations

from typing import Any

import pytest

from lognotary.v1 import administration_pb2 as messages
from lognotary.v1 import correlation_pb2
from server.api.errors import InvalidArgumentError
from server.api.parameters import parse_body, parse_parameters


def parsed(scope: Any) -> messages.HoldScope:
    return parse_body({"name": "case-1", "scope": scope}, messages.AddHoldRequest()).scope


def test_the_fields_of_an_object_in_a_body_are_read() -> None:
    scope = {"service": "shop", "traceId": "ab", "since": "2026-01-31T12:00:00Z"}
    assert parsed(scope).since.ToJsonString() == "2026-01-31T12:00:00Z"
    assert (parsed(scope).service, parsed(scope).trace_id) == ("shop", "ab")
    assert parse_body({"scope": {}}, messages.AddHoldRequest()).HasField("scope")


@pytest.mark.parametrize(
    ("segment", "actor"),
    [("~.", "."), ("~..", ".."), ("~~..", "~.."), ("~", "~"), ("~a", "~a"), ("~...", "~..."), ("a/..", "a/..")],
)
def test_a_tilde_keeps_an_id_in_a_path_from_being_a_step(segment: str, actor: str) -> None:
    request = parse_parameters([], {"actor_id": segment}, correlation_pb2.ActorTimelineRequest())
    assert request.actor_id == actor


def test_a_tilde_in_a_query_parameter_is_an_ordinary_character() -> None:
    request = parse_parameters([("actor_id", "~.")], {}, correlation_pb2.ActorTimelineRequest())
    assert request.actor_id == "~."


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ({"servise": "shop"}, "scope: unknown field 'servise'"),
        ({"service": 1}, "scope: service: '1' is not a text"),
        ({"since": "soon"}, "scope: since: 'soon' is not a time in RFC 3339"),
        ({"since": {"seconds": 1}}, "scope: since: must be a time in RFC 3339"),
        ({"traceId": "ab", "trace_id": "ab"}, "scope: the field trace_id is given twice"),
        ([], "scope: must be an object"),
        ("all", "scope: 'all' is not an object"),
    ],
)
def test_what_is_wrong_within_an_object_is_named(scope: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refusal:
        parsed(scope)
    assert str(refusal.value).startswith(message)
