"""The server's own log, on standard error."""

from __future__ import annotations

import logging
import sys

__all__ = ["configure_logging"]


def configure_logging(level: str, *, worker: int | None = None) -> None:
    """Log to standard error.

    Args:
        level: debug, info, warning or error.
        worker: the worker's number, which each line then has.
    """
    source = "%(name)s" if worker is None else f"worker {worker} %(name)s"
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)s {source}: %(message)s",
    )
    # They report every request at INFO, and connection trouble that is reported here anyway.
    for noisy in ("clickhouse_connect", "urllib3", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
