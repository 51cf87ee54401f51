"""Messages about legal holds and retention."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import administration_pb2 as messages
from server.api.errors import InvalidArgumentError
from server.api.trace_ids import parse_trace_id
from server.notary.origin import Stream
from storage.hold_scope import HoldScope
from storage.holds import Hold
from storage.retention_policy import Policy

__all__ = ["hold_message", "retention_message", "scope_of"]

_MOST_TEXT = 1000  # characters


def scope_of(message: messages.HoldScope) -> HoldScope:
    """Read the scope of a hold.

    Raises:
        InvalidArgumentError: the scope can keep nothing, or a part of it has the wrong form.
    """
    for name in ("service", "actor"):
        if len(getattr(message, name)) > _MOST_TEXT:
            raise InvalidArgumentError(f"scope: {name}: the text is longer than {_MOST_TEXT} characters")
    scope = HoldScope(
        message.stream,
        message.since.ToNanoseconds() if message.HasField("since") else None,
        message.until.ToNanoseconds() if message.HasField("until") else None,
        message.service,
        message.actor,
        parse_trace_id(message.trace_id) if message.trace_id else "",
        message.category,
    )
    try:
        scope.check()
    except ValueError as error:
        raise InvalidArgumentError(f"scope: {error}") from error
    return scope


def hold_message(hold: Hold) -> messages.Hold:
    """Return a hold as a message."""
    scope = hold.scope
    found = messages.Hold(
        name=hold.name,
        scope=messages.HoldScope(
            stream=scope.stream,
            since=_time(scope.since),
            until=_time(scope.until),
            service=scope.service,
            actor=scope.actor,
            trace_id=scope.trace,
            category=scope.category,
        ),
        added=messages.PolicyAct(
            reason=hold.reason, actor=hold.who, caller=hold.caller, time=_time(hold.added_at * 10**6)
        ),
    )
    if (end := hold.released) is not None:
        act = messages.PolicyAct(reason=end.reason, actor=end.who, caller=end.caller, time=_time(end.at * 10**6))
        found.released.CopyFrom(act)
    return found


def retention_message(stream: Stream, policy: Policy) -> messages.StreamRetention:
    """Return the retention of a stream as a message."""
    return messages.StreamRetention(
        stream=stream.value,
        days=policy.days or 0,
        rules=[
            messages.RetentionRule(
                category=rule.category,
                service=rule.service,
                attribute="=".join(rule.attribute) if rule.attribute else "",
                days=rule.days or 0,
            )
            for rule in policy.rules
        ],
        shortest_days=policy.shortest or 0,
    )


def _time(nanos: int | None) -> Timestamp | None:
    if nanos is None:
        return None
    seconds, rest = divmod(nanos, 10**9)
    return Timestamp(seconds=seconds, nanos=rest)
