"""Connection pool whose requests carry more parameters than the client knows of."""

from __future__ import annotations

from typing import Any

from urllib3 import PoolManager
from urllib3.response import BaseHTTPResponse

__all__ = ["ParameterPool"]


class ParameterPool:
    """Connection pool that appends parameters to every URL that has some.

    Sixty settings cost the client more than ClickHouse, if it encodes and checks them anew for each request.
    """

    def __init__(self, pool: PoolManager, parameters: str) -> None:
        """Wrap a pool; ``parameters`` are encoded as in a URL."""
        self._pool = pool
        self._parameters = f"&{parameters}"

    def request(self, method: str, url: str, **options: Any) -> BaseHTTPResponse:
        """As ``PoolManager.request``."""
        return self._pool.request(method, url + self._parameters if "?" in url else url, **options)

    def clear(self) -> None:
        """As ``PoolManager.clear``."""
        self._pool.clear()

    # The driver remembers by pool when connections were made, and is to find what it knows of the pool in here.
    def __eq__(self, other: object) -> bool:
        """Return whether the other is the pool in here, or another wrapper of it."""
        return self._pool is (other._pool if isinstance(other, ParameterPool) else other)

    def __hash__(self) -> int:
        """Return the hash of the pool in here."""
        return hash(self._pool)
