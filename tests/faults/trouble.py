"""Troubles between a server and its ClickHouse, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Answer", "Trouble", "Way", "bare_error", "error_200", "error_of", "garbage"]


class Way(Enum):
    """Fate of a request."""

    REFUSE = "refuse"  # nothing listens, and open connections are reset
    CUT_BEFORE = "cut-before"  # the connection is reset before ClickHouse receives the request
    CUT_DURING = "cut-during"  # ClickHouse receives half of the request, and then the end of the connection
    CUT_ANSWER = "cut-answer"  # ClickHouse executes the request, and the connection is reset before the answer
    CUT_IN_ANSWER = "cut-in-answer"  # the same, in the middle of the answer
    DELAY_REQUEST = "delay-request"
    DELAY_ANSWER = "delay-answer"
    HOLD = "black-hole"  # the request is received, and neither relayed nor answered
    DUPLICATE = "duplicate"  # ClickHouse receives the request twice, and the second answer is relayed
    ANSWER = "answer"  # the answer is not ClickHouse's own


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in ClickHouse's place.

    Attributes:
        raw: its bytes.
        applied: True if ClickHouse carries out the statement before.
        whole: True if another answer can follow on the same connection.
    """

    raw: bytes
    applied: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Trouble:
    """A trouble that requests meet while it lasts.

    Attributes:
        way: fate of the requests.
        where: text in the statements of the requests; empty for all requests.
        share: share of these requests that meet the trouble, above 0 and up to 1.
        seconds: length of delays.
        answer: the answer for ``Way.ANSWER``.
    """

    way: Way
    where: str = ""
    share: float = 1.0
    seconds: float = 0.0
    answer: Answer | None = None


_NAMES = {
    60: "UNKNOWN_TABLE",
    159: "TIMEOUT_EXCEEDED",
    164: "READONLY",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
}
_STATUS = {60: "404 Not Found", 159: "408 Request Timeout"}


def error_of(code: int, *, applied: bool = False, status: str = "") -> Answer:
    """Return an error as ClickHouse answers it: a status, the code in a header, a text."""
    return _answer(
        status or _STATUS.get(code, "500 Internal Server Error"),
        _text(code),
        f"X-ClickHouse-Exception-Code: {code}",
        applied=applied,
    )


def error_200(code: int, *, applied: bool, tagged: bool) -> Answer:
    """Return an error that occurred after the status 200 was sent.

    Args:
        code: code of the error.
        applied: True if the statement was executed before.
        tagged: True for the form of ClickHouse since 25.11; False for the text alone, as before.
    """
    if not tagged:
        return _answer("200 OK", _text(code), applied=applied)
    tag, text = "abcdefghijklmnop", _text(code)
    body = f"\r\n__exception__\r\n{tag}\r\n{text}\n{len(text) + 1} {tag}\r\n__exception__\r\n"
    return _answer("200 OK", body, f"X-ClickHouse-Exception-Tag: {tag}", applied=applied)


def bare_error(status: str, *, applied: bool) -> Answer:
    """Return an error of a load balancer, without a text of ClickHouse."""
    return _answer(status, f"<html><h1>{status}</h1></html>", applied=applied)


def garbage(kind: int, *, applied: bool) -> Answer:
    """Return bytes that are not an answer of ClickHouse."""
    kinds = (
        b"\x00\x01\x02 no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 2",
    )
    return Answer(kinds[kind % len(kinds)], applied, whole=False)


def _text(code: int) -> str:
    return f"Code: {code}. DB::Exception: injected by a test. ({_NAMES[code]}) (version 26.7.3.1)\n"


def _answer(status: str, body: str, *headers: str, applied: bool) -> Answer:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=UTF-8", f"Content-Length: {len(body)}", *headers]
    return Answer(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), applied)
