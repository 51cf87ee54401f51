"""Page tokens: what clients send back is refused unless this server gave it out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from server.api.errors import InvalidArgumentError
from server.api.page_tokens import (
    TracePosition,
    make_search_token,
    make_trace_token,
    make_traces_token,
    parse_search_token,
    parse_trace_token,
    parse_traces_token,
)
from server.notary.origin import Stream
from server.query.pages import Position
from server.query.traces import TracePlace
from storage.records import Place

PARSERS = [parse_search_token, parse_trace_token, parse_traces_token]
PLACE = Place(Stream.AUDIT, 1_800_000_000_000_000_000, "f" * 16, (1 << 64) - 1, UUID(int=1 << 127), bytes(range(32)))


def of(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode()


def test_a_token_that_was_given_out_is_read() -> None:
    position = Position(PLACE, 2, PLACE)
    assert parse_search_token(make_search_token(position, "q"), "q") == position
    everywhere = TracePosition(position, position, position, 3)
    assert parse_trace_token(make_trace_token(everywhere, "t"), "t") == everywhere
    place = TracePlace(5, PLACE, only_fitting=True)
    assert parse_traces_token(make_traces_token(place, "q"), "q") == place


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("depth", [500, 1_500, 100_000])
@pytest.mark.parametrize("around", ["%s", '["", [%s, 0, null]]', '["", 1, [%s], 1]', '["", null, null, null, %s]'])
def test_a_token_of_lists_in_lists_is_refused(parse: Callable[[str, str], Any], depth: int, around: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the page token is not one that this server gave out"):
        parse(of(around % ("[" * depth + "]" * depth)), "q")


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "content", ["", "{}", "1", "null", "NaN", "1e999", '["", 1e999, null, 1]', '"abc"', "[1, 2, 3, 4, 5]", "\\ud800"]
)
def test_a_token_of_anything_else_is_refused(parse: Callable[[str, str], Any], content: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the page token is not one that this server gave out"):
        parse(of(content), "q")


@pytest.mark.parametrize("parse", PARSERS)
def test_a_token_that_is_longer_than_any_is_refused_unread(parse: Callable[[str, str], Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="the page token is not one that this server gave out"):
        parse(make_search_token(Position(), "q") + "=" * 5000, "q")


@pytest.mark.parametrize("log_id", ["\ud800", "f" * 15 + "\udfff", ["f"], {}, 1, None])
def test_a_token_with_an_id_that_no_row_can_have_is_refused(log_id: object) -> None:
    for token, parse in (
        (make_search_token(Position(PLACE, 2, PLACE), "q"), parse_search_token),
        (make_trace_token(TracePosition(Position(PLACE)), "q"), parse_trace_token),
        (make_traces_token(TracePlace(5, PLACE), "q"), parse_traces_token),
    ):
        content = base64.urlsafe_b64decode(token).decode()
        assert PLACE.log_id in content
        forged = of(content.replace(json.dumps(PLACE.log_id), json.dumps(log_id)))
        with pytest.raises(InvalidArgumentError, match="the page token is not one that this server gave out"):
            parse(forged, "q")


@pytest.mark.parametrize("log_id", ["", "altered", "F" * 16, "\ufffd", "\0", "'"])
def test_a_page_may_end_at_a_row_of_which_the_log_id_was_altered(log_id: str) -> None:
    position = Position(replace(PLACE, log_id=log_id))
    assert parse_search_token(make_search_token(position, "q"), "q") == position
