"""The memory of a process that writes: its plan, and the guard that watches it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from server.admission.admission import Admission
from server.errors.amounts import size, typed_size
from server.process.allocator import give_freed_memory_back
from server.process.memory_limit import MemoryGuard, MemoryPlan, memory_for_requests, plan_memory
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from storage.engine import Engine

__all__ = ["memory_guard", "memory_plan"]

_logger = logging.getLogger(__name__)

_ROUND = 64 << 20  # bytes: what a process takes itself differs a little from start to start


def memory_plan(settings: Settings, resident: int, *, embedded: bool) -> MemoryPlan:
    """Return the plan of the memory; if it leaves no room for the largest requests, that is logged.

    Args:
        settings: the settings.
        resident: bytes of memory that the process takes now.
        embedded: True if the engine is in this process.

    Raises:
        MemoryLimitError: there is not enough memory for any request.
    """
    behind = settings.ack is Acknowledge.JOURNAL
    plan = plan_memory(
        settings.memory_limit,
        resident,
        max_requests=settings.max_requests,
        batch_bytes=settings.batch_bytes,
        embedded=embedded,
        behind=behind,
    )
    if (largest := plan.admission.largest) < settings.max_request_bytes:
        enough = memory_for_requests(
            settings.max_request_bytes, resident, batch_bytes=settings.batch_bytes, embedded=embedded, behind=behind
        )
        enough = (enough // _ROUND + 2) * _ROUND
        _logger.warning(
            "the memory limit of %s leaves room for requests of up to %s: larger ones are refused for good, though "
            "--max-request-bytes is %s. Give each process --memory-limit %s, or lower --batch-bytes",
            *(size(settings.memory_limit), size(largest), size(settings.max_request_bytes), typed_size(enough)),
        )
    return plan


def memory_guard(plan: MemoryPlan, admission: Admission, engine: Engine) -> MemoryGuard:
    """Return the guard of a plan, which gives freed memory back."""
    give_back: list[Callable[[], object]] = [give_freed_memory_back]
    if engine.info.exclusive:  # it keeps freed memory in an allocator of its own, in this process
        give_back.append(lambda: engine.execute("SYSTEM JEMALLOC PURGE"))
    return MemoryGuard(plan.limit, admission, give_back)
