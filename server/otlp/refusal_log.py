"""Refusals in the server's log: rate-limited, so that no sender can fill it, and with nothing of what was sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from server.errors.ingest import IngestError, RefusedError
from server.retry.rate_limit import RateLimit

__all__ = ["RefusalLog"]

_logger = logging.getLogger(__name__)

_INTERVAL = 60.0  # seconds between two lines about the same kind of refusals
_LONGEST_REASON = 300  # characters


class RefusalLog:
    """Log of refused requests: at most one line a minute for each kind of refusal and protocol.

    The peer is the sender of the request that is logged; other senders may have been refused for the same reason.
    """

    def __init__(self, protocol: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Start a log.

        Args:
            protocol: "grpc" or "http".
            clock: monotonic clock in seconds.
        """
        self.protocol = protocol
        self._limit = RateLimit(_INTERVAL, clock)

    def refused(self, error: IngestError, peer: str, service: str = "logs") -> None:
        """Note a refused request.

        Args:
            error: the refusal.
            peer: address of the sender.
            service: what the request was for: a signal, or "other".
        """
        others = self._limit.take((error.outcome, service))
        if others is None:
            return
        more = f" ({others} more were refused as {error.outcome} since the last line about them)" if others else ""
        effect = "told to retry" if isinstance(error, RefusedError) else "refused for good"
        reason = error.loggable[:_LONGEST_REASON]
        _logger.warning(
            "a request of %s over %s was %s: %s%s", peer or "an unknown peer", self.protocol, effect, reason, more
        )
