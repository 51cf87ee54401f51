"""The way of events to the access logs: a queue, and a thread that sends them to the server's own OTLP port.

So the records take the path of every audit record, and reading never waits for it, unless the setting ``access_log`` is
``required``. Events that are not acknowledged are sent again, in the same requests, and events of other tenants do not
wait for them. If the queue is full, an actor with many events in it loses the newest of them, and a record says how
many these were.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.backlog import LINGER, Backlog
from server.access_log.bursts import Bursts
from server.access_log.entry import Entry
from server.access_log.event import AccessEvent
from server.access_log.record import access_record
from server.access_log.redacting import without_secrets
from server.notary.counted import counted
from server.own_records.sender import NotRecordedError
from server.retry.trouble import Trouble

__all__ = ["AccessLog", "SendRecords"]

_logger = logging.getLogger(__name__)

_MOST = 8192  # events that are not acknowledged
_PATIENCE = 10.0  # seconds that a caller waits for the record of a call
_END = 1.0  # seconds that the last attempt may take

SendRecords = Callable[[str, list[LogRecord]], object]
"""Function that sends records to the access log of a tenant, and raises NotRecordedError."""


class AccessLog:
    """Queue of events, and the thread that sends them.

    Attributes:
        is_required: True if answers wait for their records.
        denied: counts of the events of whoever is not let in, who must not decide how much is recorded.
    """

    def __init__(self, send: SendRecords, *, required: bool = False, most: int = _MOST) -> None:
        """Create a log that sends nothing yet.

        Args:
            send: sends records.
            required: True if answers wait for their records.
            most: number of events that may be without acknowledgement.
        """
        self._send = send
        self._most = most
        self._changed = threading.Condition()
        self._backlog = Backlog(most)
        self._wakes_at = math.inf  # when the thread looks for what is due
        self._stopping = False
        self._broken: NotRecordedError | None = None  # why nothing is sent any more
        self._ended: Future[None] = Future()
        self._lost = 0  # since the last error in the server's log
        self._lost_in_all = 0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._trouble = Trouble(
            _logger,
            "who looked is not on record yet: the access log takes no records",
            "who looked is on record again",
        )
        self.is_required = required
        self.denied = Bursts()

    @contextlib.contextmanager
    def running(self) -> Iterator[AccessLog]:
        """Send events until the block ends."""
        self._ended.set_running_or_notify_cancel()  # so that nobody who waits for it can cancel it
        self._thread.start()
        try:
            yield self
        finally:
            self._stop()

    async def supervise(self) -> None:
        """Wait until nothing is sent any more; raises the unexpected error that ended the sending, if there is one."""
        await asyncio.wrap_future(self._ended)

    def note(self, event: AccessEvent) -> None:
        """Record an event soon; thread-safe, does not block."""
        self._add(Entry(event))

    async def keep(self, event: AccessEvent) -> None:
        """Record an event; if records are required, return once this one is acknowledged.

        Raises:
            NotRecordedError: it may not be recorded.
        """
        if not self.is_required:
            self.note(event)
            return None
        recorded: Future[None] = Future()
        entry = Entry(event, recorded)
        self._add(entry)
        try:
            await asyncio.wait_for(asyncio.wrap_future(recorded), _PATIENCE)
        except TimeoutError:
            error = NotRecordedError("the access log did not take the record of this call in time")
            with self._changed:
                if not recorded.cancel():  # it was decided just now
                    return recorded.result()
                self._fail_waiters([entry], error)
            raise error from None

    def flush(self, seconds: float) -> bool:
        """Send what waits; return whether all of it is acknowledged. Blocks for some seconds at most."""
        with self._changed:
            self._backlog.hurry(time.monotonic())
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._backlog.is_empty or self._broken, seconds)
            return self._backlog.is_empty

    def is_waiting(self, events: Iterable[AccessEvent]) -> bool:
        """Return whether one of these events, which were noted here, is not acknowledged yet and may still be."""
        wanted = {id(event) for event in events}
        with self._changed:
            return any(id(entry.event) in wanted for entry in self._backlog)

    @property
    def waiting(self) -> int:
        """Number of events that are not acknowledged yet."""
        with self._changed:
            return len(self._backlog)

    @property
    def lost(self) -> int:
        """Number of events that were never recorded, because too many were waiting, or the server refused them."""
        return self._lost_in_all

    def _add(self, entry: Entry) -> None:
        with self._changed:
            self._add_locked(entry)

    def _add_locked(self, entry: Entry) -> None:
        now = time.monotonic()
        lost = self._backlog.add(entry, now)
        if lost is not None:
            lost.fail(NotRecordedError("too many calls wait for their records"))
            if not self._lost:
                _logger.error("records of who looked are being lost: %d wait for the access log already", self._most)
            self._count_lost(1)
        if self._broken is not None:
            entry.fail(self._broken)
        if entry.waiter is not None:
            self._backlog.hurry(now, entry.tenant)
        due = self._backlog.due_at()
        if (due is not None and due < self._wakes_at) or self._backlog.is_full:
            self._changed.notify_all()  # otherwise the thread would wake for nothing

    def _count_lost(self, number: int) -> None:
        self._lost += number
        self._lost_in_all += number

    def _fail_waiters(self, entries: Iterable[Entry], error: NotRecordedError) -> None:
        for entry in entries:
            failed = entry.fail(error)
            if failed is not None:
                self._add_locked(Entry(failed))

    def _run(self) -> None:
        try:
            self._send_until_stopped()
        except Exception as error:  # ``supervise`` raises it
            broken = NotRecordedError("records of who looked cannot be sent any more: the server has to restart")
            with self._changed:
                self._broken = broken
                for entry in self._backlog:
                    entry.fail(broken)
                self._changed.notify_all()
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    def _send_until_stopped(self) -> None:
        while self._await_turn():
            with self._changed:
                requests = self._backlog.next_requests(time.monotonic())
            for entries in requests:
                self._try(entries)

    def _await_turn(self) -> bool:
        """Wait until something is to be sent now; return False when it is over."""
        with self._changed:
            while True:
                now, due = time.monotonic(), self._backlog.due_at()
                if self._stopping:  # what failed in the last attempt is due later
                    return due is not None and due <= now + LINGER
                if due is not None and (due <= now or self._backlog.is_full):
                    return True
                self._wakes_at = math.inf if due is None else due
                self._changed.wait(None if due is None else due - now)
                self._wakes_at = -math.inf

    def _try(self, entries: list[Entry]) -> None:
        tenant = entries[0].tenant
        records = [
            access_record(entry.event, entry.record_id, entry.time_unix_nano, redact=without_secrets)
            for entry in entries
        ]
        try:
            self._send(tenant, records)
        except NotRecordedError as error:
            if error.is_final:
                self._divide(entries, str(error))
            else:
                self._fail(entries, str(error))
            return
        with self._changed:
            for entry in entries:
                entry.succeed()
            self._backlog.acknowledge(entries, time.monotonic())
            is_over = not self._backlog.is_failing
            lost, self._lost = self._lost, 0
            self._changed.notify_all()
        if lost:
            _logger.error("%s", counted(lost, "record of who looked was lost", "records of who looked were lost"))
        if is_over:
            self._trouble.ends()

    def _fail(self, entries: list[Entry], reason: str) -> None:
        """Send a request again later; who waits for a record of this tenant is told so, and nobody else."""
        tenant = entries[0].tenant
        with self._changed:
            self._backlog.fail(entries, time.monotonic())
            error = NotRecordedError(f"the access log did not take the record of this call: {reason}")
            self._fail_waiters(self._backlog.of_tenant(tenant), error)
        self._trouble.goes_on(f"{reason} (tenant {tenant})" if tenant else reason)

    def _divide(self, entries: list[Entry], reason: str) -> None:
        """Go on with the halves of a request, and give up an event that is alone: others must not wait for it."""
        with self._changed:
            if len(entries) == 1:
                entries[0].fail(NotRecordedError(f"the access log refused the record of this call: {reason}"))
            lost = self._backlog.divide(entries, time.monotonic())
            self._count_lost(lost)
            self._changed.notify_all()
        if lost:
            _logger.error("a record of who looked was lost, because the access log refused it: %s", reason)

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._backlog.hurry(time.monotonic())
            self._changed.notify_all()
        self._thread.join(_END)
        if left := self.waiting:
            lost = counted(left, "record of who looked was lost", "records of who looked were lost")
            _logger.error("%s: the server ended before the access log took it", lost)
