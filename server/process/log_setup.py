"""The server's own log, on standard error. It never has what senders sent."""

from __future__ import annotations

import logging
import sys

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
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_this_server)


def _is_of_this_server(record: logging.LogRecord) -> bool:
    """Tell whether what gRPC reports is no mere consequence of what a client sent, or of its being gone.

    Anybody could fill the log with that, and with what he sent. (What the C library behind it says, the package
    ``server`` switches off.)
    """
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ not in _OF_CLIENTS


# Paths and metadata that are not UTF-8, and answers to calls that are no more.
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
