"""The server's log, on standard error. It never contains data from senders."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

__all__ = ["configure_logging"]


def configure_logging(level: str, form: str = "text", *, worker: int | None = None) -> None:
    """Set up the server's log, on standard error.

    Args:
        level: lowest level that is logged: debug, info, warning or error.
        form: format of the log: text, or json, which has one object per line with ``time``, ``level``, ``logger``,
            ``message`` and, if they apply, ``worker`` and ``exc_info``.
        worker: number of the worker, which is added to each line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_lines(worker) if form == "json" else _text(worker))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # These libraries report every request at INFO, and connection errors that the server reports anyway.
    for noisy in ("clickhouse_connect", "urllib3", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_this_server)


def _is_of_this_server(record: logging.LogRecord) -> bool:
    """Return False for reports of gRPC that are a mere consequence of client behaviour, True for all others.

    Otherwise any client could fill the log, also with data that it sent. (The messages of gRPC's C library are switched
    off in the package ``server``.)
    """
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ not in _OF_CLIENTS


# Paths and metadata that are not UTF-8, and answers to calls that have ended.
_OF_CLIENTS = ("UnicodeDecodeError", "ExecuteBatchError")


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
