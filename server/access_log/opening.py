"""The access log of a server, from its settings."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.access_log import AccessLog
from server.notary.audit_words import ACCESS_SCOPE
from server.own_records.sender import OwnRecords
from server.process.metrics import GaugeSample

__all__ = ["access_log_gauges", "open_access_log"]


def open_access_log(records: OwnRecords, *, required: bool) -> AccessLog:
    """Return the access log, which is not running yet.

    Args:
        records: sends the server's own records.
        required: True if answers wait for their records.
    """

    def send(tenant: str, some: list[LogRecord]) -> None:
        records.send_access(tenant, ACCESS_SCOPE, some)

    return AccessLog(send, required=required)


def access_log_gauges(log: AccessLog | None) -> Iterator[GaugeSample]:
    """Yield the samples of an access log; zeros if there is none."""
    waiting, lost = (log.waiting, log.lost) if log else (0, 0)
    yield "lognotary_access_log_waiting", "Events of access that are not on record yet", {}, waiting
    about = "Events of access that were never recorded, because too many were waiting"
    yield "lognotary_access_log_lost_total", about, {}, lost
