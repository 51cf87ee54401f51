"""The way of events to the access logs: a queue, and a thread that sends them to the server's own OTLP port.

So the records take the path of every audit record, and reading never waits for it, unless the setting ``access_log`` is
``required``. Events that are not acknowledged are sent again, in the same requests. If the queue is full, the actor
with most events in it loses the newest of them, and a record says how many these were.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, groupby

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.event import AccessEvent
from server.access_log.queue import Entry, EventQueue
from server.access_log.record import access_record
from server.access_log.redacting import without_secrets
from server.notary.counted import counted
from server.own_records.sender import NotRecordedError
from server.retry.trouble import Trouble

__all__ = ["AccessLog", "SendRecords"]

_logger = logging.getLogger(__name__)

_MOST = 8192  # events in the queue
_AT_ONCE = 2048  # events in a request
_BYTES = 2 * 1024 * 1024  # of a request, about
_LINGER = 0.3  # seconds in which further events join a request that is not full
_PAUSES = (1.0, 2.0, 5.0, 10.0)  # seconds between attempts
_PATIENCE = 10.0  # seconds that a caller waits for the record of a call
_END = 1.0  # seconds that the last attempt may take

SendRecords = Callable[[str, list[LogRecord]], object]
"""Function that sends records to the access log of a tenant, and raises NotRecordedError."""


class AccessLog:
    """Queue of events, and the thread that sends them."""

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
        self._waiting = EventQueue(most)
        self._unsent: list[list[Entry]] = []  # requests, each of one tenant
        self._urgent = False
        self._stopping = False
        self._failed = 0  # attempts since the last success
        self._lost = 0  # since the last error in the server's log
        self._lost_in_all = 0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._trouble = Trouble(
            _logger,
            "who looked is not on record yet: the access log takes no records",
            "who looked is on record again",
        )
        self.is_required = required

    @contextlib.contextmanager
    def running(self) -> Iterator[AccessLog]:
        """Send events until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop()

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
            return
        entry = Entry(event, Future())
        waiter = asyncio.wrap_future(entry.waiter) if entry.waiter is not None else None
        self._add(entry)
        try:
            await asyncio.wait_for(waiter or asyncio.sleep(0), _PATIENCE)
        except TimeoutError:
            error = NotRecordedError("the access log did not take the record of this call in time")
            with self._changed:
                entry.fail(error)
            raise error from None

    def flush(self, seconds: float) -> bool:
        """Send what waits; return whether all of it is acknowledged. Blocks for some seconds at most."""
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._waiting.is_empty and not self._unsent, seconds)

    def is_waiting(self, events: Iterable[AccessEvent]) -> bool:
        """Return whether one of these events, which were noted here, is not acknowledged yet and may still be."""
        wanted = {id(event) for event in events}
        with self._changed:
            return any(id(entry.event) in wanted for entry in chain(self._waiting, *self._unsent))

    @property
    def waiting(self) -> int:
        """Number of events that are not acknowledged yet."""
        with self._changed:
            return self._in_all()

    @property
    def lost(self) -> int:
        """Number of events that were never recorded, because too many were waiting, or the server refused them."""
        return self._lost_in_all

    def _in_all(self) -> int:
        return len(self._waiting) + sum(map(len, self._unsent))

    def _add(self, entry: Entry) -> None:
        is_first = False
        with self._changed:
            lost = self._waiting.add(entry, unacknowledged=sum(map(len, self._unsent)))
            if lost is not None:
                lost.fail(NotRecordedError("too many calls wait for their records"))
                is_first = not self._lost
                self._count_lost(1)
            self._urgent = self._urgent or entry.waiter is not None
            if self._urgent or len(self._waiting) == 1 or (self._is_full() and not self._failed):
                self._changed.notify_all()  # otherwise the thread would wake for nothing
        if is_first:
            _logger.error("records of who looked are being lost: %d wait for the access log already", self._most)

    def _count_lost(self, number: int) -> None:
        self._lost += number
        self._lost_in_all += number

    def _run(self) -> None:
        while self._await_turn():
            with self._changed:
                if not self._unsent:
                    self._unsent = self._taken()
                self._urgent = self._urgent and len(self._waiting) > 0
                requests = list(self._unsent)
            for entries in requests:
                if not self._try(entries):
                    break

    def _await_turn(self) -> bool:
        """Wait until something is to be sent now; return False when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting.is_empty or self._unsent or self._stopping)
            if self._stopping:
                return bool((not self._waiting.is_empty or self._unsent) and not self._failed)
            if self._failed:
                pause = _PAUSES[min(self._failed, len(_PAUSES)) - 1]
                self._changed.wait_for(lambda: self._urgent or self._stopping, pause)
            else:
                self._changed.wait_for(lambda: self._urgent or self._stopping or self._is_full(), _LINGER)
            return True

    def _is_full(self) -> bool:
        return bool(self._unsent) or len(self._waiting) >= _AT_ONCE or self._waiting.size >= _BYTES

    def _taken(self) -> list[list[Entry]]:
        taken = self._waiting.take(_AT_ONCE, _BYTES)
        taken.sort(key=lambda entry: entry.event.actor.tenant)
        return [list(some) for _, some in groupby(taken, lambda entry: entry.event.actor.tenant)]

    def _try(self, entries: list[Entry]) -> bool:
        records = [
            access_record(entry.event, entry.record_id, entry.time_unix_nano, redact=without_secrets)
            for entry in entries
        ]
        try:
            self._send(entries[0].event.actor.tenant, records)
        except NotRecordedError as error:
            if error.is_final:
                self._divide(entries, str(error))
                return False
            with self._changed:
                self._failed += 1
                self._urgent = False  # nobody waits any more
                for entry in (*chain(*self._unsent), *self._waiting):
                    entry.fail(NotRecordedError(f"the access log did not take the record of this call: {error}"))
            self._trouble.goes_on(str(error))
            return False
        with self._changed:
            self._failed = 0
            for entry in entries:
                entry.succeed()
            self._unsent.remove(entries)
            lost, self._lost = self._lost, 0
            self._changed.notify_all()
        if lost:
            _logger.error("%s", counted(lost, "record of who looked was lost", "records of who looked were lost"))
        self._trouble.ends()
        return True

    def _divide(self, entries: list[Entry], reason: str) -> None:
        """Go on with the halves of a request, and give up an event that is alone: others must not wait for it."""
        half = len(entries) // 2
        with self._changed:
            at = self._unsent.index(entries)
            self._unsent[at : at + 1] = [entries[:half], entries[half:]] if half else []
            if not half:
                entries[0].fail(NotRecordedError(f"the access log refused the record of this call: {reason}"))
                self._count_lost(self._waiting.count_lost(entries[0].event))
            self._urgent = True
            self._changed.notify_all()
        if not half:
            _logger.error("a record of who looked was lost, because the access log refused it: %s", reason)

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._failed = 0
            self._changed.notify_all()
        self._thread.join(_END)
        if left := self.waiting:
            lost = counted(left, "record of who looked was lost", "records of who looked were lost")
            _logger.error("%s: the server ended before the access log took it", lost)
