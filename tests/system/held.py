"""A server whose storage does not answer some of its queries."""

from __future__ import annotations

from dataclasses import dataclass

from harness.lognotary_server import LognotaryServer
from tests.faults.proxy import Proxy
from tests.faults.trouble import Way

__all__ = ["Held"]


@dataclass(frozen=True)
class Held:
    """A server, and the proxy before its storage that holds some answers back for ever."""

    server: LognotaryServer
    proxy: Proxy

    @property
    def queries(self) -> int:
        """Number of queries whose answers are held back."""
        return self.proxy.hits[Way.HOLD]
