"""A tail on the command line, which reconnects by itself and ends when nothing reads its output any more."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc

__all__ = ["Following"]

_SILENCE = 20.0  # seconds without an answer before the call is cancelled: a server answers every 5 s
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between attempts
_RETRIED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # too many tails at present, or storage is slow
    grpc.StatusCode.UNIMPLEMENTED,  # from a proxy, or from a server that is still starting
)


class Following:
    """A tail that resumes after the last answer if its call fails."""

    channel_options = (
        ("grpc.initial_reconnect_backoff_ms", int(_FIRST_PAUSE * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(_LONGEST_PAUSE * 1000)),
    )
    """Options for a channel that reconnects by itself."""

    def __init__(
        self,
        request: correlation_pb2.TailRequest,
        show: Callable[[correlation_pb2.TailResponse], None],
        complain: Callable[[str], None],
    ) -> None:
        """Make a tail that has not begun.

        Args:
            request: the request, which gets the cursor of each answer.
            show: function that is called with each answer.
            complain: function that is called with messages about the connection.
        """
        self._request = request
        self._show = show
        self._complain = complain

    def run(self, channel: grpc.Channel) -> int:
        """Follow until nothing reads the output any more.

        Raises:
            grpc.RpcError: the first attempt failed, or no other attempt can succeed.
            BrokenPipeError: nothing reads the output any more.
        """
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        is_begun = is_lost = False
        pause = _FIRST_PAUSE
        while True:
            try:
                for answer in _answers(stub, self._request):
                    if is_lost:
                        self._complain("the tail resumes where it was")
                    is_begun, is_lost, pause = True, False, _FIRST_PAUSE
                    self._show(answer)
                    self._request.cursor = answer.cursor
            except grpc.RpcError as error:
                if not is_begun or error.code() not in _RETRIED:
                    raise
                if not is_lost:
                    self._complain(f"the tail was interrupted ({error.details()}): connecting again")
                is_lost = True
                _check_reader()
                time.sleep(max(pause, _retry_delay(error)))
                pause = min(2 * pause, _LONGEST_PAUSE)


def _answers(
    stub: correlation_pb2_grpc.CorrelationServiceStub, request: correlation_pb2.TailRequest
) -> Iterator[correlation_pb2.TailResponse]:
    """Yield the answers of one call; cancel the call if it is silent, or if nothing reads the output any more."""
    call: Any = stub.Tail(request)
    heard = threading.Event()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if not heard.wait(_SILENCE):
                call.cancel()
                return
            heard.clear()

    threading.Thread(target=watch, daemon=True, name="tail-watch").start()
    try:
        for answer in call:
            heard.set()
            _check_reader()
            yield answer
    finally:
        ended.set()
        heard.set()
        call.cancel()


def _retry_delay(error: grpc.RpcError) -> float:
    """Return the seconds after which the server wants to be called again (google.rpc.RetryInfo), at most the pause."""
    found = status_pb2.Status()
    try:
        for one in error.trailing_metadata() or ():
            if one.key == "grpc-status-details-bin" and isinstance(one.value, bytes):
                found.ParseFromString(one.value)
    except DecodeError:
        return 0.0
    retry = error_details_pb2.RetryInfo()
    delays = [retry.retry_delay.ToNanoseconds() / 1e9 for detail in found.details if detail.Unpack(retry)]
    return min(max(delays, default=0.0), _LONGEST_PAUSE)


def _check_reader() -> None:
    """Raise BrokenPipeError if the output is a pipe without a reader, as a write to the pipe would."""
    if _is_unread(sys.stdout):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _is_unread(stream: TextIO) -> bool:
    try:
        descriptor = stream.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):  # the stream has no descriptor
        return False
    if not is_pipe:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))
