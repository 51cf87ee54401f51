"""Counts with a running server: over gRPC, over HTTP, and on the command line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import SearchRequest
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.counts_pb2 import FacetsRequest, FieldNamesRequest, HistogramRequest


def test_what_was_acknowledged_is_counted_as_a_search_counts_it(api: CorrelationServiceStub, word: str) -> None:
    sought = api.Search(SearchRequest(query=word, count_up_to=10))
    counted = api.Histogram(HistogramRequest(query=word, group_by="stream"))
    assert counted.count == sought.count == 3
    assert [(group.value, group.count) for group in counted.groups] == [("operational", 2), ("audit", 1)]
    times = [entry.timestamp.ToNanoseconds() for entry in sought.entries]
    assert (counted.since.ToNanoseconds(), counted.until.ToNanoseconds()) == (min(times), max(times) + 1)
    found = api.Facets(FacetsRequest(query=word, fields=["actor", "outcome"]))
    assert found.record_count == 3
    assert [(one.value, one.count) for one in found.facets[0].values] == [(f"actor-{word}", 1)]
    assert found.facets[1].missing_count == 2


CALLS: list[tuple[str, str, type[Message], dict[str, Any]]] = [
    ("histogram", "Histogram", HistogramRequest, {"group_by": "severity", "buckets": 5}),
    ("facets", "Facets", FacetsRequest, {"fields": ["actor", "service"], "limit": 3}),
    ("field-names", "FieldNames", FieldNamesRequest, {"prefix": "a", "limit": 3}),
]


@pytest.mark.parametrize(("path", "name", "kind", "fields"), CALLS, ids=[path for path, *_ in CALLS])
def test_counts_over_http_are_those_over_grpc(
    shared_server: LognotaryServer,
    api: CorrelationServiceStub,
    word: str,
    path: str,
    name: str,
    kind: type[Message],
    fields: dict[str, Any],
) -> None:
    asked = {"query": word, "streams": ["audit", "operational"], **fields}
    call: Callable[[Message], Message] = getattr(api, name)
    expected = call(kind(**asked))
    parameters = {field: ",".join(value) if isinstance(value, list) else value for field, value in asked.items()}
    answer = httpx.get(f"{shared_server.http}/api/v1/{path}", params=parameters, timeout=60.0)
    assert answer.status_code == 200, answer.text
    assert Parse(answer.text, type(expected)()) == expected


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("histogram", {"query": "evidence:tampered"}, "query: a query about evidence cannot be counted"),
        ("histogram", {"group_by": "servce"}, "did you mean 'service'?"),
        ("facets", {"fields": "actor,bdy"}, "fields: there is no field 'bdy'; did you mean 'Body'?"),
        ("field-names", {"query": "x AND"}, "query: column 6: a term is missing"),
    ],
)
def test_a_wrong_count_is_refused_over_http(
    shared_server: LognotaryServer, path: str, parameters: dict[str, str], message: str
) -> None:
    answer = httpx.get(f"{shared_server.http}/api/v1/{path}", params=parameters, timeout=60.0)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.json()["message"]


def test_a_wrong_count_is_refused_over_grpc(api: CorrelationServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.Facets(FacetsRequest(fields=["timestamp"]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_commands_show_counts(shared_server: LognotaryServer, word: str) -> None:
    done = shared_server.cli("histogram", word, "--by", "stream", "--since", "2020-01-01Z")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["by", "stream", "records", "operational", "audit"]
    assert "\n3 records from 2020-01-01T00:00:00Z to " in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 100
    shown = shared_server.cli("facets", word, "--field", "outcome")
    assert shown.stdout.splitlines()[:4] == ["outcome", "  1   33.3 %  failure", "  2   66.7 %  (none)", "of 3 records"]
    begun = shared_server.cli("facets", word, "--field", "outcome", "--prefix", "f")
    assert begun.stdout.splitlines()[:3] == ["outcome", "  1   33.3 %  failure", "of 3 records"]
    names = shared_server.cli("facets", word, "--names", "audit.act")
    assert [line.split()[-1] for line in names.stdout.splitlines()[:2]] == [
        "LogAttributes.audit.action",
        "LogAttributes.audit.actor.id",
    ]
    assert json.loads(shared_server.cli("histogram", word, "--step", "1d", "--json").stdout)["count"] == "3"
    assert json.loads(shared_server.cli("facets", word, "--json", "--varying").stdout)["recordCount"] == "3"


def test_the_commands_say_what_is_wrong_and_that_nothing_matches(shared_server: LognotaryServer) -> None:
    for command in ("histogram", "facets"):
        done = shared_server.cli(command, "actor:nobody", "--since", "1h", "--until", "1s")
        assert (done.returncode, done.stdout.splitlines()[0]) == (1, "no record matches actor:nobody")
        wrong = shared_server.cli(command, "severity:erorr")
        assert (wrong.returncode, wrong.stderr.splitlines()[-1].split()) == (2, ["^^^^^"])
    for arguments in (
        ("histogram", "--buckets", "1"),
        ("histogram", "--step", "1.5"),
        ("facets", "--names", "a", "--varying"),
    ):
        assert shared_server.cli(*arguments).returncode == 2


def test_the_storage_itself_can_be_counted(lognotary: LognotaryServer) -> None:
    lognotary.start()
    send(lognotary.otlp_grpc, log_record("straight from storage"))
    lognotary.stop()
    storage = ("--storage", lognotary.storage_url, "--public-key", str(lognotary.public_key))
    done = run_lognotary("facets", "straight", "--field", "stream", *storage, cwd=lognotary.directory)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "  1  100.0 %  operational"


def test_a_record_dated_in_the_future_does_not_stretch_a_histogram(
    shared_server: LognotaryServer, api: CorrelationServiceStub, word: str
) -> None:
    ahead = time.time_ns() + 5 * 366 * 86_400 * 10**9
    send(shared_server.otlp_grpc, log_record(f"from a clock that is ahead {word}", timestamp=ahead))
    counted = api.Histogram(HistogramRequest(query=word))
    assert (counted.count, counted.later_count) == (3, 1)
    assert counted.until.ToNanoseconds() <= time.time_ns()
    done = shared_server.cli("histogram", word)
    assert "later: 1 record, dated more than an hour in the future: 'lognotary search' says how" in done.stdout
    said = shared_server.cli("search", word, "--utc").stdout
    assert "from a clock that is ahead" not in said
    (end,) = re.findall("^later: 1 record is dated (\\S+) or later: --since \\1 shows it$", said, re.MULTILINE)
    found = shared_server.cli("search", word, "--since", end)
    assert (found.returncode, "from a clock that is ahead" in found.stdout) == (0, True)
    until = ahead + 10**9
    whole = api.Histogram(HistogramRequest(query=word, until={"seconds": until // 10**9}))
    assert (whole.count, whole.later_count) == (4, 0)
    alone = api.Histogram(HistogramRequest(query=f"ahead {word}"))
    assert (alone.count, alone.later_count) == (0, 1)


def test_a_record_of_a_clock_that_was_never_set_does_not_stretch_a_histogram(
    shared_server: LognotaryServer, api: CorrelationServiceStub, word: str
) -> None:
    send(shared_server.otlp_grpc, log_record(f"from a clock in 1970 {word}", timestamp=86_400 * 10**9))
    counted = api.Histogram(HistogramRequest(query=word))
    assert (counted.count, counted.earlier_count) == (3, 1)
    assert counted.since.ToNanoseconds() > 946_684_800 * 10**9
    done = shared_server.cli("histogram", word)
    assert "earlier: 1 record, dated before 2000: 'lognotary search --until 2000-01-01' shows them" in done.stdout
    found = shared_server.cli("search", word, "--until", "2000-01-01")
    assert (found.returncode, "from a clock in 1970" in found.stdout) == (0, True)
    whole = api.Histogram(HistogramRequest(query=word, since={"seconds": 1}))
    assert (whole.count, whole.earlier_count) == (4, 0)
    alone = api.Histogram(HistogramRequest(query=f"1970 {word}"))
    assert (alone.count, alone.earlier_count) == (1, 0)


@pytest.mark.parametrize("call", ["search", "histogram", "facets", "traces", "audit-events"])
def test_a_range_may_begin_in_the_future(shared_server: LognotaryServer, call: str) -> None:
    path = f"{shared_server.http}/api/v1/{call}"
    answer = httpx.get(path, params={"since": "2200-01-01T00:00:00Z"}, timeout=60.0)
    assert answer.status_code == 200
    assert answer.json().get("laterCount", "0") == "0"
