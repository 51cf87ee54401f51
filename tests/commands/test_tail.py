"""The query of the filters of ``lognotary audit``, and lines about records that a tail left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lognotary.v1 import correlation_pb2 as pb
from server.cli import build_parser
from server.commands.arguments.audit import FILTERS
from server.commands.audit_query import filter_query
from server.commands.output import Style
from server.commands.tail import missed_lines
from server.notary.origin import Stream
from server.query.resolve import read_query
from storage.conditions import Column, Exists, HasWordsLike, IsOneOf, Resembles


def condition(**filters: str) -> object:
    return read_query(filter_query({flag: filters.get(flag.replace("-", "_"), "") for flag in FILTERS})).condition(
        Stream.AUDIT
    )


def test_a_filter_is_exact_or_a_beginning() -> None:
    assert condition(actor="alice") == IsOneOf(Column("ActorId"), ("alice",))
    assert condition(action="user.*") == Resembles(Column("Action"), ("user.", ""), ignores_case=False)
    assert condition(target_type="*") == Exists(Column("TargetType"))
    assert condition(service=r"a\*") == IsOneOf(Column("ServiceName"), ("a*",))
    assert condition(text='say "hi" (now)') == HasWordsLike(Column("Body"), ("", 'say "hi" (now)', ""))
    assert condition(outcome="failure") == IsOneOf(Column("Outcome"), ("failure",))


@given(st.text(min_size=1).filter(lambda text: "*" not in text and "\\" not in text and "\0" not in text))
def test_any_text_of_a_filter_is_that_text_in_the_query(text: str) -> None:
    assert condition(actor=text) == IsOneOf(Column("ActorId"), (text,))
    assert condition(actor=f"{text}*") == Resembles(Column("ActorId"), (text, ""), ignores_case=False)


def test_lines_about_missed_records_say_how_to_find_them() -> None:
    slow = pb.MissedLeaves(origin="shop/audit/a", first_leaf=3, end_leaf=1003, reason=pb.TOO_SLOW)
    assert missed_lines(slow, Style(colour=False)) == [
        "… 1,000 records of shop/audit/a left out: more were committed than could be sent",
        "  lognotary search 'log:shop/audit/a leaf:[3 TO 1002]' has them",
    ]
    gone = pb.MissedLeaves(origin="shop/audit/a", first_leaf=3, end_leaf=4, reason=pb.NOT_STORED)
    assert missed_lines(gone, Style(colour=False)) == [
        "… 1 record of shop/audit/a left out: no longer stored (leaves 3 to 3)"
    ]


@pytest.mark.parametrize(
    "option", ["--complete", "--csv", "--limit=3", "--since=1h", "--received-since=1h", "--storage=chdb:///x"]
)
def test_a_tail_of_audit_events_refuses_what_it_cannot_do(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["audit", "--follow", option])
    assert caught.value.code == 2
    assert f"{option.partition('=')[0]} cannot be used with --follow" in capsys.readouterr().err
