"""Reads and judges what comes back over HTTP."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import httptools
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from tests.fuzz.front_door.requests import why_no_http_request
from tests.fuzz.front_door.script import AnswerError, Script

__all__ = ["HttpAnswers"]

# What server/otlp/status.py documents, and what answers for what is no request to it: no HTTP (400), another path
# (404) or method (405), or a head that is too large (431).
_STATUSES = {200, 400, 404, 405, 413, 415, 431, 503}
_IN_TEXT = {404, 405, 415}  # for those who send no OTLP
_HEADERS_WITH = {405: b"allow", 503: b"retry-after"}


@dataclass(slots=True)
class _Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False


class HttpAnswers:
    """The answers on one connection; what comes is fed to it piece by piece."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._answers: list[_Answer] = []
        self._headers: dict[bytes, bytes] = {}
        self._parser = httptools.HttpResponseParser(self)
        self._deaf = False  # what follows the answer to HEAD cannot be told from its body by this parser
        self.heard = False

    @property
    def satisfied(self) -> bool:
        """True if all requests are answered."""
        return sum(answer.complete for answer in self._answers) >= self._script.answers

    def room(self, stream: int) -> int:
        """HTTP/1.1 has no windows."""
        return 1 << 62

    def spend(self, stream: int, size: int) -> None:
        """HTTP/1.1 has no windows."""

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            AnswerError: they are no HTTP.
        """
        self.heard = True
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise AnswerError("the protocol was changed") from error
        except httptools.HttpParserError as error:
            if self._deaf:
                return
            raise AnswerError(f"an answer is not HTTP\n{error}: {data[:2000]!r}") from error

    def on_message_begin(self) -> None:
        self._headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        is_head = self._script.head and len(self._answers) == self._script.answers - 1
        self._answers.append(_Answer(status, self._headers, complete=is_head))
        self._deaf = is_head

    def on_body(self, body: bytes) -> None:
        if not self._deaf:  # what comes with the answer to HEAD, and behind it, is another answer
            self._answers[-1].body += body

    def on_message_complete(self) -> None:
        if self._answers:
            self._answers[-1].complete = True

    def judge(self, outcomes: Counter[str]) -> None:
        """Check the answers, and count them.

        Raises:
            AnswerError: one of them is wrong.
        """
        for number, answer in enumerate(self._answers):
            outcomes[str(answer.status)] += 1
            if answer.status == 200:
                why = why_no_http_request(self._script.sent, number)
                if why:
                    raise AnswerError(f"OK for what is no request: {why[:40]}\n{why}")
            elif answer.status not in _STATUSES:
                raise AnswerError(f"status {answer.status} is none of those that are documented")
            else:
                _check_refusal(answer)
        missing = self._script.answers - len(self._answers)
        if missing > 0:
            outcomes["no answer"] += missing


def _check_refusal(answer: _Answer) -> None:
    needed = _HEADERS_WITH.get(answer.status)
    if needed and needed not in answer.headers:
        raise AnswerError(f"{answer.status} without {needed.decode()}")
    if answer.status == 503 and not answer.headers[b"retry-after"].isdigit():
        raise AnswerError("Retry-After is no number")
    media_type = answer.headers.get(b"content-type", b"").partition(b";")[0]
    if not answer.complete or not answer.body:
        return  # cut by the client, or the answer to HEAD
    try:
        if media_type == b"application/json":
            status = json_format.Parse(bytes(answer.body), status_pb2.Status())
        elif media_type == b"application/x-protobuf":
            status = status_pb2.Status.FromString(bytes(answer.body))
        elif answer.status == 400 and answer.headers.get(b"connection") == b"close":
            return  # what is no HTTP has no type to answer in
        elif media_type == b"text/plain" and answer.status in _IN_TEXT:
            return
        else:
            raise AnswerError(f"{answer.status} with Content-Type {media_type.decode(errors='replace')}")
    except (json_format.ParseError, DecodeError, UnicodeDecodeError) as error:
        raise AnswerError(f"{answer.status} with a body that is no google.rpc.Status\n{error}") from error
    if not status.code or not status.message:
        raise AnswerError(f"{answer.status} without a code or a message")
    retry = any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
    if retry != (answer.status == 503):
        raise AnswerError(f"{answer.status} {'with' if retry else 'without'} RetryInfo")
