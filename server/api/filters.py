"""Filters of audit events: what a request asks for, or why nothing could ever match it."""

from __future__ import annotations

from lognotary.v1 import correlation_pb2 as pb
from server.api.errors import InvalidArgumentError
from server.api.time_ranges import parse_time_range
from server.api.trace_ids import parse_trace_id
from server.errors.suggestions import not_one_of
from server.notary.audit_words import ACCESS_SCOPE, CATEGORIES, OUTCOMES, OWN_SENDER, parse_pattern
from server.notary.producer_signature import SIGNATURES
from server.query.signatures import has_signature
from storage.condition_algebra import all_of, negated
from storage.conditions import ALWAYS, Column, Condition, IsOneOf
from storage.records import AuditFilter

__all__ = ["access_condition", "audit_filter", "signature_condition"]

_PATTERNS = {
    "action": "Action",
    "actor_id": "ActorId",
    "effective_actor_id": "EffectiveActorId",
    "rule": "AuditRule",
    "service_name": "ServiceName",
    "source_id": "SourceId",
    "target_id": "TargetId",
    "target_type": "TargetType",
}


def audit_filter(request: pb.SearchAuditEventsRequest) -> AuditFilter:
    """Return the filter of a request.

    Raises:
        InvalidArgumentError: a filter has a value that no event can have, or the range of time is empty.
    """
    since, until = parse_time_range(request)
    equal = {
        "Outcome": _word("outcome", request.outcome, OUTCOMES),
        "Category": _word("category", request.category, CATEGORIES),
        "TraceId": parse_trace_id(request.trace_id) if request.trace_id else "",
    }
    prefixes = {}
    for field, column in _PATTERNS.items():
        text, is_prefix = _pattern(field, getattr(request, field))
        if is_prefix:
            prefixes[column] = text
        else:
            equal[column] = text
    return AuditFilter(
        equal={column: value for column, value in equal.items() if value},
        prefixes=prefixes,
        text=request.text,
        since=since,
        until=until,
    )


def signature_condition(request: pb.SearchAuditEventsRequest) -> Condition:
    """Return the condition for the result of the producer's signature that a request asks for.

    Raises:
        InvalidArgumentError: there is no such result.
    """
    word = _word("signature", request.signature, SIGNATURES)
    return has_signature(word) if word else ALWAYS


def access_condition(request: pb.SearchAuditEventsRequest) -> Condition:
    """Return the condition that leaves out records of who looked, unless a request asks for them."""
    if request.include_access or ACCESS_SCOPE in request.query:
        return ALWAYS
    # Both columns: any sender can choose the name of a scope, and so hide its records.
    of_server = IsOneOf(Column("Sender"), (OWN_SENDER,))
    return negated(all_of([IsOneOf(Column("ScopeName"), (ACCESS_SCOPE,)), of_server]))


def _word(name: str, text: str, valid: tuple[str, ...]) -> str:
    word = text.lower()
    if word and word not in valid:
        raise InvalidArgumentError(f"{name}: {not_one_of(text, valid)}")
    return word


def _pattern(name: str, text: str) -> tuple[str, bool]:
    try:
        return parse_pattern(text)
    except ValueError as error:
        raise InvalidArgumentError(f"{name}: {error}") from error
