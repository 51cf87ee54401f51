"""One event on its way to an access log, and who waits until it is there."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from uuid import uuid4

from server.access_log.event import AccessEvent, Outcome
from server.access_log.record import LONGEST_REQUEST
from server.own_records.sender import NotRecordedError

__all__ = ["UNRECORDED", "Entry"]

UNRECORDED = "there was no record of the call in time"
"""Reason of a call that failed because its record was required and not acknowledged."""

_RECORD = 1000  # bytes of a record without its request, about


@dataclass(slots=True, eq=False)
class Entry:
    """Event that is not acknowledged yet.

    Attributes:
        event: the event; it does not change any more once it has been sent.
        waiter: is done when the record is acknowledged, or will not be in time; None if nobody waits.
        is_sent: True once the event has been in a request, which may be stored even if that was not acknowledged.
        time_unix_nano: time of the event.
        record_id: ID of its record.
    """

    event: AccessEvent
    waiter: Future[None] | None = None
    is_sent: bool = False
    time_unix_nano: int = field(default_factory=time.time_ns)
    record_id: str = field(default_factory=lambda: str(uuid4()))

    def fail(self, error: NotRecordedError) -> AccessEvent | None:
        """Notify who waits that there is no record: a call that succeeded fails by this, which has to be recorded.

        Returns:
            The event that has to be recorded besides this one, since this one may be stored as it was sent; None if
            there is none.
        """
        if self.waiter is None:
            return None
        waiter, self.waiter = self.waiter, None
        if waiter.set_running_or_notify_cancel():
            waiter.set_exception(error)
        if self.event.outcome is not Outcome.SUCCESS or self.event.is_done:
            return None  # what it says stays true
        failed = replace(self.event, outcome=Outcome.FAILED, reason=UNRECORDED)
        if self.is_sent:
            return failed
        self.event = failed
        return None

    def succeed(self) -> None:
        """Notify who waits that the record is acknowledged."""
        if self.waiter is not None and self.waiter.set_running_or_notify_cancel():
            waiter, self.waiter = self.waiter, None
            waiter.set_result(None)

    @property
    def tenant(self) -> str:
        """Tenant whose access log gets the record; empty for the default one."""
        return self.event.actor.tenant

    @property
    def size(self) -> int:
        """Number of bytes of the record, about."""
        return _RECORD + 3 * min(len(self.event.asked), LONGEST_REQUEST)
