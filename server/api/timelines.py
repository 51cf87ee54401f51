"""The calls ``ActorTimeline`` and ``TargetHistory``: the audit events of one actor or target."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb
from server.api.correlation import entries_of
from server.api.errors import InvalidArgumentError
from server.api.given_proofs import proofs_for
from server.api.messages import from_nanos
from server.api.page_tokens import make_search_token, parse_search_token
from server.api.queries import parse_query
from server.api.time_ranges import parse_time_range
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.limits import QueryLimits
from server.query.pages import Position
from server.query.plausible_times import default_end
from server.query.timelines import ACTOR, TARGET, Subject, Timeline, TimelineSearch, read_timeline
from server.verification.tree import TileCache
from storage.engine import Engine
from storage.overviews import FieldValues, Overview

__all__ = ["actor_timeline", "target_history"]

_PAGE_SIZE = 100
_LARGEST = 1000
_LIMITS = QueryLimits()


def actor_timeline(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.ActorTimelineRequest,
    limits: QueryLimits = _LIMITS,
    cache: TileCache | None = None,
) -> pb.ActorTimelineResponse:
    """Answer ``CorrelationService.ActorTimeline``; ``cache`` as for ``read_page``.

    Raises:
        InvalidArgumentError: there is no ID, or the query, the range of time or the page token cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    proofs = proofs_for(request)
    asked, end, found = _read(engine, keys, ACTOR, "actor_id", request, limits, cache)
    return pb.ActorTimelineResponse(
        actor_id=request.actor_id,
        overview=_overview(found.overview),
        until=end,
        later_count=found.later,
        entries=entries_of(found.page.rows, proofs),
        next_page_token=make_search_token(found.page.following, asked) if found.page.following else "",
        unproved_omitted=found.page.others_follow,
        actors_of_this_name=found.of_this_name,
    )


def target_history(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.TargetHistoryRequest,
    limits: QueryLimits = _LIMITS,
    cache: TileCache | None = None,
) -> pb.TargetHistoryResponse:
    """Answer ``CorrelationService.TargetHistory``; raises as ``actor_timeline``."""
    proofs = proofs_for(request)
    asked, end, found = _read(engine, keys, TARGET, "target_id", request, limits, cache)
    return pb.TargetHistoryResponse(
        target_id=request.target_id,
        overview=_overview(found.overview),
        until=end,
        later_count=found.later,
        entries=entries_of(found.page.rows, proofs),
        next_page_token=make_search_token(found.page.following, asked) if found.page.following else "",
        unproved_omitted=found.page.others_follow,
    )


def _read(
    engine: Engine,
    keys: TrustedKeys,
    subject: Subject,
    field: str,
    request: pb.ActorTimelineRequest | pb.TargetHistoryRequest,
    limits: QueryLimits,
    cache: TileCache | None,
) -> tuple[str, Timestamp | None, Timeline]:
    """Return a text that names all that was asked for, the default end of a first page, and the page."""
    identifier: str = getattr(request, field)
    if not identifier:
        raise InvalidArgumentError(f"{field} must be given")
    since, until = parse_time_range(request)
    query = parse_query(request.query, request.check, (Stream.AUDIT,), (Stream.AUDIT,))
    asked = repr((field, identifier, request.query, since, until, request.oldest_first))
    end = default_end(since, until)
    wanted = TimelineSearch(
        subject,
        identifier,
        query,
        since=since,
        until=until,
        latest_first=not request.oldest_first,
        size=min(request.page_size or _PAGE_SIZE, _LARGEST),
        position=parse_search_token(request.page_token, asked) if request.page_token else Position(),
        rehash=request.check != pb.CHECK_SIGNATURES,
        with_overview=not request.page_token,
        end=end,
    )
    shown_end = None if end is None or request.page_token else from_nanos(end)
    return asked, shown_end, read_timeline(engine, keys, wanted, limits, cache)


def _overview(found: Overview | None) -> pb.AuditOverview | None:
    if found is None:
        return None
    return pb.AuditOverview(
        event_count=found.count,
        first_seen=from_nanos(found.first) if found.count else None,
        last_seen=from_nanos(found.last) if found.count else None,
        implausible_time_count=found.implausible,
        fields=[_field(name, values) for name, values in found.fields.items()],
    )


def _field(name: str, found: FieldValues) -> pb.FieldSummary:
    values = [
        pb.ValueSummary(
            value=one.value, count=one.count, first_seen=from_nanos(one.first), last_seen=from_nanos(one.last)
        )
        for one in found.values
    ]
    return pb.FieldSummary(field=name, value_count=found.count, values=values)
