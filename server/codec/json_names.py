"""Names in OTLP/JSON that the protobuf descriptors do not have: older spellings, and names that are not ignored.

OTLP requires receivers to ignore unknown names. But OK means that every record is stored, so an unknown name is ignored
only if the object has known names too, and only if the name does not stand for records or for another signal.
``server.codec.unread`` has the same rule for the wire format, in which fields have numbers instead of names.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.codec.signals import Signal
from server.codec.unread import SEND_ONE, SEND_SOME

__all__ = ["OLD_NAMES", "why_unread"]

_LOGS = "opentelemetry.proto.logs.v1"
_TRACES = "opentelemetry.proto.trace.v1"

OLD_NAMES: Mapping[str, tuple[str, ...]] = {
    f"{_LOGS}.ResourceLogs.scope_logs": ("instrumentationLibraryLogs", "instrumentation_library_logs"),
    f"{_LOGS}.ScopeLogs.scope": ("instrumentationLibrary", "instrumentation_library"),
    f"{_LOGS}.ScopeLogs.log_records": ("logs",),
    f"{_TRACES}.ResourceSpans.scope_spans": ("instrumentationLibrarySpans", "instrumentation_library_spans"),
    f"{_TRACES}.ScopeSpans.scope": ("instrumentationLibrary", "instrumentation_library"),
}
"""Names before OTLP 0.15 (``logs``: before 0.12), by the full name of the current field with the same content."""

# The field of each message that leads to its records, and the messages that are records.
_CARRIES = {
    "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest": "resource_logs",
    f"{_LOGS}.ResourceLogs": "scope_logs",
    f"{_LOGS}.ScopeLogs": "log_records",
    "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest": "resource_spans",
    f"{_TRACES}.ResourceSpans": "scope_spans",
    f"{_TRACES}.ScopeSpans": "spans",
}
_RECORDS = frozenset({f"{_LOGS}.LogRecord", f"{_TRACES}.Span"})

# In lower case, without underscores. A list with one of these names holds records, so it is refused if it is not a
# field of the message.
_OF_RECORDS = {
    Signal.LOGS: frozenset(
        {"resourcelogs", "scopelogs", "instrumentationlibrarylogs", "logrecords", "logrecord", "records", "logs"}
    ),
    Signal.TRACES: frozenset(
        {"resourcespans", "scopespans", "instrumentationlibraryspans", "spans", "span", "records", "traces"}
    ),
}
_HELD = {Signal.LOGS: "log records", Signal.TRACES: "spans"}
_OF_OTHER_SIGNALS = {
    "resourcelogs": "log records belong to /v1/logs",
    "resourcespans": "spans belong to /v1/traces",
    "resourcemetrics": "metrics belong to /v1/metrics of a backend for metrics",
    "resourceprofiles": "profiles belong to a backend for profiles",
}


def why_unread(message: str, value: Mapping[str, object], fields: Mapping[str, str]) -> str | None:
    """Return why a JSON object must be refused because of its unknown names, None if it is accepted.

    Args:
        message: full name of the protobuf message that the object represents.
        value: the JSON object.
        fields: known names of the message, each with the field's name in the descriptor.
    """
    if message not in _CARRIES and message not in _RECORDS:
        return None
    unknown = [name for name, item in value.items() if name not in fields and item is not None]
    if not unknown:
        return None
    signal = Signal.LOGS if ".logs." in message else Signal.TRACES
    send = SEND_SOME[signal]
    known = any(name in fields and item is not None for name, item in value.items())
    holding = [name for name in unknown if isinstance(value[name], dict | list) and value[name]]
    if message in _RECORDS:
        lost = unknown if not known else []
        return f"nothing of the unknown name {lost[0][:64]!r} would be kept: {SEND_ONE[signal]}" if lost else None
    for name in holding:
        other = _OF_OTHER_SIGNALS.get(_plain(name))
        if other and _plain(name) not in _OF_RECORDS[signal]:
            return f"{name[:64]!r} holds no {_HELD[signal]}: {send}; {other}"
    carried = any(item for name, item in value.items() if fields.get(name) == _CARRIES[message])
    lost = [name for name in holding if not carried or _plain(name) in _OF_RECORDS[signal]]
    if not lost and not known:
        lost = unknown
    return f"nothing of the unknown name {lost[0][:64]!r} would be kept: {send}" if lost else None


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
