"""The check of requests with audit records, before anything of them is claimed: in threads if they are large."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from server.admission.admission import MEMORY_FACTOR, Ticket
from server.audit_ids.threads import AuditThreads
from server.codec.audit.strict_records import StrictRequest, check_request, survey_request
from server.codec.request_look import RequestLook
from server.errors.ingest import OverloadedError

__all__ = ["RequestChecks"]

_T = TypeVar("_T")

_LARGE = 8 << 10  # bytes of a request above which checking it would hold up the event loop
_FOR_CHECK = 0.5  # part of the time of a request that its check may take if it waits: storing takes the rest


class RequestChecks:
    """Checks of the requests of all tenants; bound to one event loop."""

    def __init__(self, threads: AuditThreads, look: RequestLook, ack_timeout: float) -> None:
        """Check requests.

        Args:
            threads: the threads of all gates.
            look: look at requests. Its redactor must remove what is redacted before records are stored, whatever the
                mode: other servers may have another key.
            ack_timeout: seconds that a request waits for its acknowledgement.
        """
        self._threads = threads
        self.look = look
        """Look at the requests that follow."""
        self._ack_timeout = ack_timeout

    async def check(self, request: bytes, ticket: Ticket, *, every: bool) -> StrictRequest:
        """Check a request.

        Args:
            request: the bytes of an OTLP request for logs.
            ticket: ticket of the request.
            every: True if all of its records must be audit records.

        Raises:
            MalformedRequestError: it has no such records.
            OversizedError: its records need more memory than there may be.
            OverloadedError: it was not checked in time.
        """
        ticket.reserve(len(request) + self.look.memory(request) // MEMORY_FACTOR)
        try:
            async with asyncio.timeout(self._ack_timeout):
                return await self._check(request, ticket, every=every)
        except TimeoutError:
            raise OverloadedError("audit records were not checked in time", retry_after=5.0) from None

    async def _check(self, request: bytes, ticket: Ticket, *, every: bool) -> StrictRequest:
        is_large, left = len(request) > _LARGE, threading.Event()
        take = partial(survey_request, request, every=every, look=self.look, is_left=left.is_set)
        check = partial(check_request, request, every=every, look=self.look, is_left=left.is_set)
        latest = time.monotonic() + _FOR_CHECK * self._ack_timeout
        async with self._threads.queue.turn(len(request), latest) if is_large else contextlib.nullcontext():
            try:
                survey = await self._run(take, is_large)
                ticket.reserve(max(survey.size, len(request) + survey.memory // MEMORY_FACTOR))
                return await self._run(partial(check, survey=survey), is_large)
            finally:
                left.set()  # the thread is for those who wait

    async def _run(self, check: Callable[[], _T], is_large: bool) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads.checking, check) if is_large else check()
