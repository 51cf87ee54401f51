"""A short look for bytes that the two OTLP ports cannot take, and that the look sees what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from harness.zstd import zstd
from tests.fuzz.front_door import delivery, vitals
from tests.fuzz.front_door.campaign import Campaign, make_script
from tests.fuzz.front_door.delivery import deliver
from tests.fuzz.front_door.encodings import bomb
from tests.fuzz.front_door.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PREFACE,
    Kind,
    block,
    frame,
    read_frames,
    settings,
)
from tests.fuzz.front_door.grpc_wire import call_headers, data_frames, message
from tests.fuzz.front_door.payloads import valid_protobuf
from tests.fuzz.front_door.report import Plan
from tests.fuzz.front_door.requests import is_valid, why_no_http_request
from tests.fuzz.front_door.script import AnswerError, Door, Ending, Script, Step, case_random

SEED = 20261123


def test_a_server_takes_what_it_is_given_and_gives_back_what_it_took(tmp_path: Path) -> None:
    plan = Plan(SEED, cases=600, accepted=10, seconds=600, warm_up=300, round_cases=300, crowd=60, bomb_every=8000)
    report = Campaign(plan, tmp_path).run()
    assert {title: finding.why for title, finding in report.found.items()} == {}
    assert report.cases.total() >= plan.cases
    # A campaign in which nothing is accepted, or nothing refused, finds nothing.
    for door in Door:
        assert plan.accepted <= report.accepted(door) < report.outcomes[door].total() / 2, report.outcomes[door]
    assert report.acknowledged > 0
    assert report.stored > report.acknowledged
    assert report.vitals.keys() == {"after the warm-up", "at the end"}


def test_a_campaign_goes_on_until_a_server_that_sheds_load_has_accepted_enough(tmp_path: Path) -> None:
    # So few cases that they are over before anything has been accepted.
    plan = Plan(SEED, cases=1, accepted=40, seconds=600, warm_up=1, round_cases=50, at_once=4, crowd=2, bomb_every=8000)
    report = Campaign(plan, tmp_path).run()
    assert min(report.accepted(door) for door in Door) >= plan.accepted


def test_a_script_is_made_again_from_its_number_and_read_again_from_its_file() -> None:
    for number in range(200):
        script = make_script(SEED, number)
        assert make_script(SEED, number) == script
        assert Script.from_json(script.to_json()) == script


def test_bombs_are_small_and_inflate_to_more_than_is_permitted() -> None:
    for number in range(4):
        name, body = bomb(case_random(SEED, number))
        assert len(body) < 2 << 20
        opened: zstd.ZstdFile | gzip.GzipFile
        if name == b"zstd":
            opened = zstd.ZstdFile(io.BytesIO(body), options={zstd.DecompressionParameter.window_log_max: 31})
        else:
            opened = gzip.GzipFile(fileobj=io.BytesIO(body))
        with opened as read:
            assert (name == b"gzip" and len(body) < 10_000) or sum(
                len(read.read(1 << 20)) for _ in range(65)
            ) > 64 << 20


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"Content-Length: 0\r\n\r\n", ""),
        (b"Content-Length: 0\r\nContent-Length: 1\r\n\r\n", "h11"),
        (b"Content-Length: 5\r\n\r\nab", "h11"),
        (b"Content-Length: 1\r\n\r\n\x0a", "no OTLP"),
        (b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n\x0a", "Content-Encoding"),
        (b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "h11"),
    ],
)
def test_what_http_may_be_accepted_is_told_by_others_than_the_server(sent: bytes, why: str) -> None:
    head = b"POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    found = why_no_http_request(head + sent, 0)
    assert found.startswith(why)
    assert bool(found) == bool(why)


@contextlib.contextmanager
def _server_that_says(*answers: bytes) -> Iterator[tuple[str, int]]:
    """A server that sends these one after another, each after something came, whatever that was."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                for answer in answers:
                    if not self.request.recv(1 << 16):
                        return
                    self.request.sendall(answer)
                while self.request.recv(1 << 16):
                    pass

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            host, port = server.server_address[:2]
            assert isinstance(host, str)
            yield host, port
        finally:
            server.shutdown()
            thread.join()


def _wrong(script: Script, *answers: bytes, patience: float = delivery.PATIENCE) -> str:
    with _server_that_says(*answers) as address:
        try:
            asyncio.run(deliver(script, {script.door: address}, Counter(), patience))
        except AnswerError as error:
            return str(error)
        return ""


_POST = b"POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Type: application/x-protobuf\r\n\r\n"


def _http(sent: bytes = _POST) -> Script:
    return Script(Door.HTTP, (Step(sent, 0.0, ("test",)),), Ending.ANSWERED, answers=1)


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "status 500"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "503 without retry-after"),
        (b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", "405 without allow"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx", "404 with Content-Type"),
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\nx",
            "400 with a body that is no google.rpc.Status",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", "an answer is not HTTP"),
        (b"Traceback (most recent call last)", "an answer is not HTTP"),
    ],
)
def test_a_wrong_answer_over_http_is_seen(answer: bytes, title: str) -> None:
    assert _wrong(_http(), answer).startswith(title)


def test_what_comes_in_one_piece_with_the_answer_to_head_is_not_its_body() -> None:
    another = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    head = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Type: application/x-protobuf\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(another)
    script = replace(_http(_POST.replace(b"POST", b"HEAD") + b"garbage"), head=True)
    assert _wrong(script, head + another) == ""
    assert _wrong(replace(script, head=False), head + another).startswith("405 with a body that is no")


def test_an_ok_over_http_for_what_is_no_request_is_seen() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert _wrong(_http(_POST.replace(b": 0", b": 1") + b"\x0a"), said).startswith("OK for what is no request")


_SETTINGS = settings() + settings(flags=ACK)
_HEAD = frame(Kind.HEADERS, END_HEADERS, 1, block([(b":status", b"200"), (b"content-type", b"application/grpc")]))


def _trailers(*fields: tuple[bytes, bytes]) -> bytes:
    return frame(Kind.HEADERS, END_HEADERS | END_STREAM, 1, block(fields))


def _call(data: bytes) -> Script:
    call = frame(Kind.HEADERS, END_HEADERS, 1, block(call_headers())) + data_frames(1, data)
    return Script(Door.GRPC, (Step(PREFACE + settings() + call, 0.0, ("test",)),), Ending.ANSWERED, streams=(1,))


_VALID = message(valid_protobuf(case_random(SEED, 0)))
_OK = _SETTINGS + _HEAD + frame(Kind.DATA, 0, 1, bytes(5)) + _trailers((b"grpc-status", b"0"))


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (_OK, ""),
        (_SETTINGS + _HEAD + _trailers((b"grpc-status", b"0")), "OK with a message that is not empty"),
        (_SETTINGS + _HEAD + _trailers((b"grpc-status", b"14")), "UNAVAILABLE without details"),
        (_SETTINGS + _HEAD + _trailers((b"grpc-status", b"7")), "grpc-status 7"),
        (_SETTINGS + _HEAD + _trailers(), "grpc-status missing"),
        (_SETTINGS + _trailers((b":status", b"500")), ":status 500"),
        (_SETTINGS + frame(Kind.HEADERS, END_HEADERS, 1, b"\xff\xff\xff"), "headers that cannot be read"),
        (frame(Kind.PING, 0, 0, bytes(8)), "the server begins with a frame of type 6"),
        (_SETTINGS + frame(Kind.PUSH_PROMISE, 0, 1), "the server pushes"),
        (_SETTINGS + frame(Kind.DATA, 0, 2, b"x"), "an answer on stream of even number"),
    ],
)
def test_a_wrong_answer_over_grpc_is_seen(answer: bytes, title: str) -> None:
    assert _wrong(_call(_VALID), answer).startswith(title)


@pytest.mark.parametrize("data", [_VALID * 2, b"", _VALID[:-1], message(b"\x0a")])
def test_an_ok_over_grpc_for_what_is_no_call_is_seen(data: bytes) -> None:
    assert _wrong(_call(data), _OK).startswith("OK for what is no call")


@pytest.mark.parametrize("script", [_http(), _call(_VALID)], ids=["http", "grpc"])
def test_a_server_that_does_not_answer_is_seen(script: Script) -> None:
    begun = _SETTINGS if script.door is Door.GRPC else b"HTTP/1.1 200"
    assert _wrong(script, begun, patience=0.2).startswith("no answer within")


def test_frames_are_read_as_they_were_written() -> None:
    written = data_frames(3, bytes(40_000), 16_384)
    frames = [read for read, _ in read_frames(written + b"\0\0\x09")]
    assert [len(read.payload) for read in frames] == [16_384, 16_384, 7232]
    assert [read.flags for read in frames] == [0, 0, END_STREAM]
    assert is_valid(valid_protobuf(case_random(SEED, 1)))


def test_lines_of_a_log_that_should_not_be_there_are_seen() -> None:
    fine = "2026-11-23 08:00:00,000 INFO server.process.lifecycle: applied migration 1 (records)"
    assert vitals.unexpected(fine) == ""
    assert vitals.unexpected(f"{fine}\nTraceback (most recent call last):\n  File") == (
        "Traceback (most recent call last):\n  File"
    )
    gone = "Traceback (most recent call last):\n  File\ngrpc._cython.cygrpc.ExecuteBatchError: Failed"
    assert vitals.unexpected(f"{gone}\n{fine}") == ""
    assert vitals.unexpected(f"{gone}\nTraceback (most recent call last):\n  File\nValueError") != ""
    assert vitals.log_lines(f"{fine}\n{fine.replace('migration 1', 'migration 2')}").most_common() == [
        ("INFO server.process.lifecycle: applied migration N (records)", 2)
    ]
