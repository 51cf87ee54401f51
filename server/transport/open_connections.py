"""Number of open connections on ports, as the kernel counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.process.metrics import GaugeSample
from server.settings.values import Address

__all__ = ["connection_gauges"]

_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_ESTABLISHED = "01"


def connection_gauges(ports: Mapping[str, Address]) -> Iterator[GaugeSample]:
    """Yield the number of open connections on each port, those of all processes that share it; nothing without /proc.

    Args:
        ports: addresses by the names of their settings.
    """
    open_now: Counter[int] = Counter()
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # no such protocol, or another system than Linux
            continue
        for line in lines:
            _, local, _, state, *_ = line.split()
            if state == _ESTABLISHED:
                open_now[int(local.rpartition(":")[2], 16)] += 1
    for name, address in ports.items():
        yield "lognotary_connections", "Open connections, by port", {"port": name}, open_now[address.port]
