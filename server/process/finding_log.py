"""Findings of Verify calls in the metrics and in the server's log, where they are rate-limited."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from server.escaping.visible import visible
from server.notary.findings import Finding
from server.process.metrics import Metrics
from server.retry.rate_limit import RateLimit

__all__ = ["FoundOverApi"]

_logger = logging.getLogger(__name__)

_INTERVAL = 60.0  # seconds between two lines about findings of one kind
_LONGEST = 1000  # characters of a message


class FoundOverApi:
    """Function that counts a finding, and logs one of each kind in an interval, with its log and record."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        """Count in ``metrics``; ``clock`` is monotonic, in seconds."""
        self._metrics = metrics
        self._limit = RateLimit(_INTERVAL, clock)

    def __call__(self, finding: Finding) -> None:
        """Count and log a finding."""
        kind = finding.kind.name
        self._metrics.finding(kind)
        if (others := self._limit.take(kind)) is None:
            return
        leaf = "" if finding.leaf_index is None else f"#{finding.leaf_index}"
        where = f" in {visible(finding.origin or finding.log_id)}{leaf}" if finding.origin or finding.log_id else ""
        more = f" ({others} more of this kind since the last line about it)" if others else ""
        _logger.error(
            "a verification over the API found %s%s: %s%s", kind, where, visible(finding.message, _LONGEST), more
        )
