"""The way of events to the access logs: a queue, and a thread that sends them to the server's own OTLP port.

So the records take the path of every audit record, and reading never waits for it, unless the setting ``access_log`` is
``required``. Events that are not acknowledged are sent again, for as long as the queue has room for those that follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from uuid import uuid4

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.event import AccessEvent, Outcome
from server.access_log.record import access_record
from server.access_log.redacting import without_secrets
from server.notary.counted import counted
from server.own_records.sender import NotRecordedError
from server.retry.trouble import Trouble

__all__ = ["AccessLog", "SendRecords"]

_logger = logging.getLogger(__name__)

_MOST = 8192  # events in the queue
_AT_ONCE = 64  # events in a request, which may be as large as the smallest limit of requests
_LINGER = 0.3  # seconds in which further events join a request
_PAUSES = (1.0, 2.0, 5.0, 10.0)  # seconds between attempts
_PATIENCE = 10.0  # seconds that a caller waits for the record of a call
_END = 1.0  # seconds that the last attempt may take

SendRecords = Callable[[str, list[LogRecord]], object]
"""Function that sends records to the access log of a tenant, and raises NotRecordedError."""


@dataclass(slots=True, eq=False)
class _Entry:
    event: AccessEvent
    waiter: Future[None] | None = None
    time_unix_nano: int = field(default_factory=time.time_ns)
    record_id: str = field(default_factory=lambda: str(uuid4()))

    def fail(self, error: NotRecordedError) -> None:
        """Tell who waits that there is no record: the call fails, which is what will be recorded of it."""
        if self.waiter is not None:
            waiter, self.waiter = self.waiter, None
            self.event = replace(self.event, outcome=Outcome.FAILED, reason="there was no record of the call in time")
            if waiter.set_running_or_notify_cancel():
                waiter.set_exception(error)

    def succeed(self) -> None:
        if self.waiter is not None and self.waiter.set_running_or_notify_cancel():
            self.waiter.set_result(None)


@dataclass(slots=True, eq=False)
class _Group:
    """Events of one tenant, sent together; the same records again, as some may be stored already."""

    entries: list[_Entry]
    lost: int = 0


class AccessLog:
    """Queue of events, and the thread that sends them."""

    def __init__(self, send: SendRecords, *, required: bool = False, most: int = _MOST) -> None:
        """Create a log that sends nothing yet.

        Args:
            send: sends records.
            required: True if answers wait for their records.
            most: number of events that may wait.
        """
        self._send = send
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._unsent: list[_Group] = []
        self._urgent = False
        self._stopping = False
        self._failed = 0  # attempts since the last success
        self._lost = 0
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
        self._add(_Entry(event))

    async def keep(self, event: AccessEvent) -> None:
        """Record an event; if records are required, return once this one is acknowledged.

        Raises:
            NotRecordedError: it may not be recorded.
        """
        if not self.is_required:
            self.note(event)
            return
        entry = _Entry(event, Future())
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
            return self._changed.wait_for(lambda: not self._waiting and not self._unsent, seconds)

    def is_waiting(self, events: Iterable[AccessEvent]) -> bool:
        """Return whether one of these events, which were noted here, is not acknowledged yet and may still be."""
        wanted = {id(event) for event in events}
        with self._changed:
            groups = (group.entries for group in self._unsent)
            return any(id(entry.event) in wanted for entry in chain(self._waiting, *groups))

    @property
    def waiting(self) -> int:
        """Number of events that are not acknowledged yet."""
        with self._changed:
            return self._in_all()

    @property
    def lost(self) -> int:
        """Number of events that were never recorded, because too many were waiting."""
        return self._lost_in_all

    def _in_all(self) -> int:
        return len(self._waiting) + sum(len(group.entries) for group in self._unsent)

    def _add(self, entry: _Entry) -> None:
        first = False
        with self._changed:
            self._waiting.append(entry)
            while self._in_all() > self._most:
                oldest = self._unsent[0].entries.pop(0) if self._unsent else self._waiting.popleft()
                if self._unsent and not self._unsent[0].entries:
                    self._lost += self._unsent.pop(0).lost
                oldest.fail(NotRecordedError("too many calls wait for their records"))
                first = not self._lost
                self._lost += 1
                self._lost_in_all += 1
            self._urgent = self._urgent or entry.waiter is not None
            self._changed.notify_all()
        if first:
            _logger.error("records of who looked are being lost: %d wait for the access log already", self._most)

    def _run(self) -> None:
        while self._await_turn():
            with self._changed:
                self._urgent = False
                if not self._unsent:
                    self._unsent = self._taken()
                groups = list(self._unsent)
            for group in groups:
                if not self._try(group):
                    break

    def _await_turn(self) -> bool:
        """Wait until something is to be sent now; return False when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._unsent or self._stopping)
            if self._stopping:
                return bool((self._waiting or self._unsent) and not self._failed)
            pause = _PAUSES[min(self._failed, len(_PAUSES)) - 1] if self._failed else _LINGER
            self._changed.wait_for(lambda: self._urgent or self._stopping, pause)
            return True

    def _taken(self) -> list[_Group]:
        taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        taken.sort(key=lambda entry: entry.event.actor.tenant)
        groups = [_Group(list(some)) for _, some in groupby(taken, lambda entry: entry.event.actor.tenant)]
        if groups:
            groups[0].lost, self._lost = self._lost, 0
        return groups

    def _try(self, group: _Group) -> bool:
        with self._changed:
            entries = list(group.entries)
        # Without the lock, which would delay whoever adds an event.
        records = [
            access_record(
                entry.event,
                entry.record_id,
                entry.time_unix_nano,
                lost=0 if number else group.lost,
                redact=without_secrets,
            )
            for number, entry in enumerate(entries)
        ]
        try:
            if entries:
                self._send(entries[0].event.actor.tenant, records)
        except NotRecordedError as error:
            if error.is_final:
                self._divide(group, str(error))
                return False
            with self._changed:
                self._failed += 1
                for entry in (*(entry for each in self._unsent for entry in each.entries), *self._waiting):
                    entry.fail(NotRecordedError(f"the access log did not take the record of this call: {error}"))
            self._trouble.goes_on(str(error))
            return False
        with self._changed:
            self._failed = 0
            for entry in entries:
                entry.succeed()
            if group in self._unsent:
                self._unsent.remove(group)
            self._changed.notify_all()
        if group.lost:
            lost = counted(group.lost, "record of who looked was lost", "records of who looked were lost")
            _logger.error("%s", lost)
        self._trouble.ends()
        return True

    def _divide(self, group: _Group, reason: str) -> None:
        """Go on with the events of a group one by one, and give up one that is alone: others must not wait for it."""
        with self._changed:
            if group not in self._unsent:
                return
            at = self._unsent.index(group)
            entries = group.entries
            self._unsent[at : at + 1] = [_Group([entry]) for entry in entries] if len(entries) > 1 else []
            self._lost += group.lost
            if len(entries) == 1:
                entries[0].fail(NotRecordedError(f"the access log refused the record of this call: {reason}"))
                self._lost += 1
                self._lost_in_all += 1
            self._urgent = True
            self._changed.notify_all()
        if len(entries) == 1:
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
