"""The proxy makes the trouble that it is told to make, with real connections on both sides."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from harness.small_http import Answer, Request, serving
from harness.waiting import wait_for
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way, bare_error, error_200, error_of, garbage

LONG = b"x" * 10_000  # longer than the head of its answer
BROKEN = (http.client.HTTPException, ConnectionError)


class Target:
    """A server that notes what it gets."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def __call__(self, request: Request) -> Answer:
        self.bodies.append(request.body)
        return Answer(200, b"done: " + request.body)


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.fixture
def proxy(target: Target) -> Iterator[Proxy]:
    with serving(target) as url, Proxy(url) as running:
        yield running


@contextmanager
def connection(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=60)
    try:
        yield made
    finally:
        made.close()


def _ask_on(made: http.client.HTTPConnection) -> None:
    made.request("POST", "/", b"again")
    made.getresponse()


def ask(proxy: Proxy, body: bytes = b"INSERT INTO t") -> tuple[int, bytes]:
    with connection(proxy) as made:
        made.request("POST", "/?query=x", body)
        answer = made.getresponse()
        return answer.status, answer.read()


def test_without_trouble_requests_and_answers_go_through_on_one_connection(proxy: Proxy, target: Target) -> None:
    with connection(proxy) as made:
        for body in (b"", b"1", b"2" * 100_000):
            made.request("POST", "/", body)
            assert made.getresponse().read() == b"done: " + body
    assert target.bodies == [b"", b"1", b"2" * 100_000]
    assert proxy.hits.total() == 0


def test_nobody_listens_while_connections_are_refused(proxy: Proxy) -> None:
    with connection(proxy) as made:
        made.request("POST", "/", b"1")
        made.getresponse().read()
        first, second = proxy.begin(Trouble(Way.REFUSE)), proxy.begin(Trouble(Way.REFUSE))
        # Connections from before are reset, new ones refused.
        with pytest.raises(BROKEN):
            _ask_on(made)
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    proxy.end(first)
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    url = proxy.url
    proxy.end(second)
    assert ask(proxy)[0] == 200
    assert proxy.url == url


@pytest.mark.parametrize(
    ("way", "done"),
    [(Way.CUT_BEFORE, []), (Way.CUT_ANSWER, [LONG]), (Way.CUT_IN_ANSWER, [LONG])],
)
def test_a_connection_is_cut_before_or_after_the_request_is_done(
    proxy: Proxy, target: Target, way: Way, done: list[bytes]
) -> None:
    number = proxy.begin(Trouble(way))
    with pytest.raises(BROKEN):
        ask(proxy, LONG)
    assert target.bodies == done
    proxy.end(number)
    assert ask(proxy, b"2") == (200, b"done: 2")
    assert proxy.hits == {way: 1}


def test_a_request_that_is_cut_in_the_middle_arrives_in_half(proxy: Proxy, target: Target) -> None:
    proxy.begin(Trouble(Way.CUT_DURING))
    with pytest.raises(BROKEN):
        ask(proxy, b"12345678")
    wait_for(lambda: target.bodies == [b"1234"])


@pytest.mark.parametrize("way", [Way.DELAY_REQUEST, Way.DELAY_ANSWER])
def test_a_request_is_delayed_and_done(proxy: Proxy, way: Way) -> None:
    proxy.begin(Trouble(way, seconds=0.05))
    assert ask(proxy, b"1") == (200, b"done: 1")
    assert proxy.hits == {way: 1}


def test_what_is_held_is_cut_off_when_the_trouble_ends(proxy: Proxy, target: Target) -> None:
    number = proxy.begin(Trouble(Way.HOLD))
    failures: list[BaseException] = []

    def hold() -> None:
        with pytest.raises(BROKEN) as caught:
            ask(proxy)
        failures.append(caught.value)

    thread = threading.Thread(target=hold)
    thread.start()
    wait_for(lambda: proxy.hits[Way.HOLD])
    assert thread.is_alive()
    proxy.end(number)
    thread.join()
    assert failures
    assert target.bodies == []


def test_a_request_is_done_twice(proxy: Proxy, target: Target) -> None:
    proxy.begin(Trouble(Way.DUPLICATE))
    assert ask(proxy, b"1") == (200, b"done: 1")
    assert target.bodies == [b"1", b"1"]


@pytest.mark.parametrize("applied", [False, True])
def test_another_answer_is_given_instead_of_or_after_doing_it(proxy: Proxy, target: Target, applied: bool) -> None:
    number = proxy.begin(Trouble(Way.ANSWER, answer=error_of(252, applied=applied)))
    status, body = ask(proxy)
    assert (status, b"TOO_MANY_PARTS" in body) == (500, True)
    assert len(target.bodies) == applied
    proxy.end(number)
    for answer, expected in (
        (error_200(241, applied=applied, tagged=False), 200),
        (error_200(241, applied=applied, tagged=True), 200),
        (bare_error("503 Service Unavailable", applied=applied), 503),
    ):
        number = proxy.begin(Trouble(Way.ANSWER, answer=answer))
        assert ask(proxy)[0] == expected
        proxy.end(number)
    for kind in range(4):
        number = proxy.begin(Trouble(Way.ANSWER, answer=garbage(kind, applied=applied)))
        with pytest.raises((*BROKEN, ValueError)):
            ask(proxy)
        proxy.end(number)


def test_trouble_happens_to_the_statements_that_were_meant_and_to_a_share_of_them(proxy: Proxy) -> None:
    proxy.begin(Trouble(Way.ANSWER, where="log_tiles", answer=error_of(243)))
    assert ask(proxy, b"INSERT INTO otel_logs")[0] == 200
    assert ask(proxy, b"INSERT INTO log_tiles")[0] == 500
    proxy.begin(Trouble(Way.ANSWER, where="log_batches", share=0.5, answer=error_of(243)))
    assert {ask(proxy, b"INSERT INTO log_batches")[0] for _ in range(50)} == {200, 500}
