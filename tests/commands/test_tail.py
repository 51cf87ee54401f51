"""The query that the filters of ``lognotary audit`` make, and lines about records that a tail left out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceServicer, add_CorrelationServiceServicer_to_server
from server.api.statuses import CallStatus, retry_trailers
from server.cli import build_parser
from server.commands.arguments.audit import FILTERS
from server.commands.audit_query import filter_query
from server.commands.following import Following
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
    assert condition(effective_actor="root") == IsOneOf(Column("EffectiveActorId"), ("root",))
    assert condition(rule="kube*") == Resembles(Column("AuditRule"), ("kube", ""), ignores_case=False)
    assert condition(target_type="*") == Exists(Column("TargetType"))
    assert condition(service=r"a\*") == IsOneOf(Column("ServiceName"), ("a*",))
    assert condition(text='say "hi" (now)') == HasWordsLike(Column("Body"), ("", 'say "hi" (now)', ""))
    assert condition(outcome="failure") == IsOneOf(Column("Outcome"), ("failure",))


@given(st.text(min_size=1).filter(lambda text: "*" not in text and "\\" not in text and "\0" not in text))
def test_any_text_of_a_filter_is_that_text_in_the_query(text: str) -> None:
    assert condition(actor=text) == IsOneOf(Column("ActorId"), (text,))
    assert condition(actor=f"{text}*") == Resembles(Column("ActorId"), (text, ""), ignores_case=False)


class Tail(CorrelationServiceServicer):
    """A server that ends its first tail with an error."""

    def __init__(self, error: CallStatus) -> None:
        self.error = error
        self.cursors: list[str] = []

    def Tail(self, request: pb.TailRequest, context: Any) -> Iterator[pb.TailResponse]:  # noqa: N802 - the name is the API's
        self.cursors.append(request.cursor)
        yield pb.TailResponse(cursor=f"{len(self.cursors)}")
        if len(self.cursors) == 1:
            context.set_trailing_metadata(retry_trailers(self.error))
            context.abort(self.error.code, self.error.message)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "enough")


@pytest.mark.parametrize("retry_after", [0, 1])
def test_a_tail_that_the_server_ends_because_it_has_too_much_to_do_goes_on(retry_after: int) -> None:
    status = CallStatus(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "the server already has 64 tails", retry_after)
    servicer, said = Tail(status), list[str]()
    server = grpc.server(ThreadPoolExecutor(2))
    add_CorrelationServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError, match="enough"):
            Following(pb.TailRequest(), lambda _: None, said.append).run(channel)
    finally:
        server.stop(None)
    assert servicer.cursors == ["", "1"]
    assert said == [
        "the tail was interrupted (the server already has 64 tails): connecting again",
        "the tail resumes where it was",
    ]


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
