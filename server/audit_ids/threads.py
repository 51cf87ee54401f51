"""The threads of gates, and the count of records on their way, which all tenants share."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from server.audit_ids.check_queue import CheckQueue
from server.audit_ids.flights import FlightCount

__all__ = ["AuditThreads"]

_CHECKS = 2  # requests checked at the same time


class AuditThreads:
    """The threads of the gates of one process.

    Attributes:
        checking: threads in which large requests are checked.
        queue: order of the checks.
        claiming: thread in which ids are claimed.
        ending: thread in which ends of claims are stored.
        flights: number of records on their way.
    """

    def __init__(self) -> None:
        self.checking = ThreadPoolExecutor(_CHECKS, thread_name_prefix="audit-check")
        self.queue = CheckQueue(_CHECKS, time.monotonic)
        self.claiming = ThreadPoolExecutor(1, thread_name_prefix="audit-claim")
        self.ending = ThreadPoolExecutor(1, thread_name_prefix="audit-ended")
        self.flights = FlightCount()

    def close(self) -> None:
        """End the threads."""
        for executor in (self.checking, self.claiming, self.ending):
            executor.shutdown(wait=False)
