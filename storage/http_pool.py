"""Connection pool whose requests carry more parameters than the driver knows of."""

from __future__ import annotations

from typing import Any, cast

from clickhouse_connect.driver.httputil import all_managers, check_env_proxy, get_pool_manager
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from storage.url import ServerUrl

__all__ = ["close_pool", "open_pool"]


def open_pool(url: ServerUrl, parameters: str) -> PoolManager:
    """Return a pool, with the proxy of the environment, that appends parameters to every URL that has some.

    Sixty parameters would cost the driver a fifth of a millisecond for each request, if it encoded them and took the
    URL apart every time. So connections append them, where a request is written.

    Args:
        url: the storage.
        parameters: parameters, encoded as in a URL.
    """
    proxy = check_env_proxy("https" if url.secure else "http", url.host, url.port)
    proxied = get_pool_manager(https_proxy=proxy) if url.secure else get_pool_manager(http_proxy=proxy)
    pool = cast(PoolManager, proxied)

    class Plain(HTTPConnection):
        def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            super().putrequest(method, _longer(url, parameters), *args, **kwargs)

    class Secure(HTTPSConnection):
        def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            super().putrequest(method, _longer(url, parameters), *args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool


def close_pool(pool: PoolManager) -> None:
    """Close a pool's connections."""
    pool.clear()
    all_managers.pop(pool, None)  # the driver would keep every pool that there ever was


def _longer(url: str, parameters: str) -> str:
    return f"{url}&{parameters}" if "?" in url else url
