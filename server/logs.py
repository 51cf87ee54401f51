"""The server's own log, on standard error. It never has what senders sent."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from pythonjsonlogger.json import JsonFormatter

__all__ = ["configure_logging"]


def configure_logging(level: str, form: str = "text", *, worker: int | None = None) -> None:
    """Log to standard error.

    Args:
        level: debug, info, warning or error.
        form: text, or json: one object a line, with ``time``, ``level``, ``logger``, ``message``, and where they
            apply ``worker`` and ``exc_info``.
        worker: the worker's number, which each line then has.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_lines(worker) if form == "json" else _text(worker))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # They report every request at INFO, and connection trouble that is reported here anyway.
    for noisy in ("clickhouse_connect", "urllib3", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    for name, beginnings in _OF_SENDERS.items():
        logging.getLogger(name).addFilter(_without(beginnings))


# Logger -> how messages begin with which gRPC reports calls that are malformed, were cancelled before they were read,
# or whose sender is gone when the answer comes. Anybody could fill the log with them, and with what he sent. What the
# C library behind it says, ``server`` switches off.
_OF_SENDERS = {
    "grpc._cython.cygrpc": (
        "Invalid encoding on ",
        "Unexpected [UnicodeDecodeError] raised by servicer method",
        "ExecuteBatchError raised in core by servicer method",
    ),
}


def _without(beginnings: tuple[str, ...]) -> Callable[[logging.LogRecord], bool]:
    return lambda record: not str(record.msg).startswith(beginnings)


def _text(worker: int | None) -> logging.Formatter:
    source = "%(name)s" if worker is None else f"worker {worker} %(name)s"
    return logging.Formatter(f"%(asctime)s %(levelname)s {source}: %(message)s")


def _json_lines(worker: int | None) -> logging.Formatter:
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={} if worker is None else {"worker": worker},
        timestamp="time",
    )
