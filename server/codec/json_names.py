"""Names in OTLP/JSON beside those of the protobuf descriptors: older spellings, and names that are not ignored.

OTLP has receivers ignore unknown names. OK means that every record is stored, so a name is ignored only beside others
that are kept, and only if it does not say that it holds records or another signal. ``server.codec.unread`` has the same
rule for the wire format, where fields have numbers and no names.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.codec.unread import SEND_A_RECORD, SEND_RECORDS

__all__ = ["OLD_NAMES", "why_unread"]

_LOGS = "opentelemetry.proto.logs.v1"
_REQUEST = "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest"
_LOG_RECORD = f"{_LOGS}.LogRecord"

OLD_NAMES: Mapping[str, tuple[str, ...]] = {
    f"{_LOGS}.ResourceLogs.scope_logs": ("instrumentationLibraryLogs", "instrumentation_library_logs"),
    f"{_LOGS}.ScopeLogs.scope": ("instrumentationLibrary", "instrumentation_library"),
    f"{_LOGS}.ScopeLogs.log_records": ("logs",),
}
"""Names before OTLP 0.15 (``logs``: before 0.12), by the full name of today's field, which holds the same."""

# The field of each message through which records are reached.
_CARRIES = {_REQUEST: "resource_logs", f"{_LOGS}.ResourceLogs": "scope_logs", f"{_LOGS}.ScopeLogs": "log_records"}

# Without underscores and capitals. They are refused wherever they are no field: in such a list there are records.
_OF_RECORDS = frozenset(
    {"resourcelogs", "scopelogs", "instrumentationlibrarylogs", "logrecords", "logrecord", "records", "logs"}
)
_OF_OTHER_SIGNALS = {
    "resourcespans": "spans belong to /v1/traces of a backend for traces",
    "resourcemetrics": "metrics belong to /v1/metrics of a backend for metrics",
    "resourceprofiles": "profiles belong to a backend for profiles",
}


def why_unread(message: str, value: Mapping[str, object], fields: Mapping[str, str]) -> str | None:
    """Return why a JSON object must not be read as it is, None if it may.

    Args:
        message: the full name of the protobuf message that it stands for.
        value: the object.
        fields: the names that are read in it, each with the field's name in the descriptor.
    """
    if message not in _CARRIES and message != _LOG_RECORD:
        return None
    unknown = [name for name, item in value.items() if name not in fields and item is not None]
    if not unknown:
        return None
    known = any(name in fields and item is not None for name, item in value.items())
    holding = [name for name in unknown if isinstance(value[name], dict | list) and value[name]]
    if message == _LOG_RECORD:
        lost = unknown if not known else []
        return f"nothing of the unknown name {lost[0][:64]!r} would be kept: {SEND_A_RECORD}" if lost else None
    for name in holding:
        if other := _OF_OTHER_SIGNALS.get(_plain(name)):
            return f"{name[:64]!r} holds no log records: {SEND_RECORDS}; {other}"
    carried = any(item for name, item in value.items() if fields.get(name) == _CARRIES[message])
    lost = [name for name in holding if not carried or _plain(name) in _OF_RECORDS]
    if not lost and not known:
        lost = unknown
    return f"nothing of the unknown name {lost[0][:64]!r} would be kept: {SEND_RECORDS}" if lost else None


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
