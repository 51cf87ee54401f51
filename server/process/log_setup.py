"""The server's log, on standard error. It never contains data from senders.

Values from storage, such as names of logs, and messages of errors may be made to deceive, so each record of the text
format is one line of printable characters; only a traceback has more lines, each of them indented.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from server.escaping.visible import MESSAGE_LIMIT, visible

__all__ = ["configure_logging", "log_uncaught_errors"]

_logger = logging.getLogger(__name__)

_MOST_LINES = 500  # of a traceback


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


def log_uncaught_errors() -> None:
    """Log what would be printed on standard error otherwise: uncaught errors, in any thread, and Python's warnings."""
    logging.captureWarnings(True)

    def log(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt) or error is None:
            return
        _logger.critical("unexpected error", exc_info=(kind, error, traceback))

    sys.excepthook = log
    threading.excepthook = lambda hook: log(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _is_of_this_server(record: logging.LogRecord) -> bool:
    """Return False for reports of gRPC that are a mere consequence of client behaviour, True for all others.

    Otherwise any client could fill the log, also with data that it sent. (The messages of gRPC's C library are switched
    off in the package ``server``.)
    """
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ not in _OF_CLIENTS


# Paths and metadata that are not UTF-8, messages that are malformed, and answers to calls that have ended.
_OF_CLIENTS = ("UnicodeDecodeError", "DecodeError", "ExecuteBatchError")


def _text(worker: int | None) -> logging.Formatter:
    source = "%(name)s" if worker is None else f"worker {worker} %(name)s"
    return _TextLines(f"%(asctime)s %(levelname)s {source}: %(message)s")


class _TextLines(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - the names are logging's
        return datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        return visible(super().formatMessage(record), MESSAGE_LIMIT)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the name is logging's
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    lines = text.split("\n")
    left_out = [f"({len(lines) - _MOST_LINES} lines are left out)"] if len(lines) > _MOST_LINES else []
    return "\n".join("    " + visible(line, MESSAGE_LIMIT) for line in (*left_out, *lines[-_MOST_LINES:]))


def _json_lines(worker: int | None) -> logging.Formatter:
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={} if worker is None else {"worker": worker},
        timestamp="time",
    )
