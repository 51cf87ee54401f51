"""Queries and streams of requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lognotary.v1 import correlation_pb2 as pb
from server.access.errors import ForbiddenError
from server.api.errors import InvalidArgumentError
from server.errors.suggestions import not_one_of
from server.notary.origin import Stream
from server.query.errors import QueryError
from server.query.resolve import Query, read_query
from storage.bound import may_read
from storage.conditions import NEVER
from storage.schema import RECORD_TABLES

__all__ = ["check_streams", "parse_query", "parse_streams", "parse_verified_query"]

_NAMES = tuple(stream.value for stream in Stream)
_NOUNS = {Stream.AUDIT: "audit events", Stream.OPERATIONAL: "logs", Stream.SPANS: "spans"}


def parse_query(
    text: str, check: pb.EvidenceCheck, streams: Collection[Stream], readable: Collection[Stream] = tuple(Stream)
) -> Query:
    """Read the query of a request.

    Args:
        text: the query.
        check: how the records are checked.
        streams: the streams of the request.
        readable: the streams that a request of this call may name.

    Raises:
        InvalidArgumentError: the query cannot be understood, asks for evidence that is not checked, or is about fields
            that only other streams have.
    """
    try:
        query = read_query(text)
    except QueryError as error:
        raise InvalidArgumentError(f"query: {error}") from error
    if query.evidence is not None and check == pb.CHECK_SIGNATURES:
        raise InvalidArgumentError(
            "query: evidence is not checked with CHECK_SIGNATURES: leave the check out, or 'evidence:'"
        )
    having = [stream for stream in Stream if query.condition(stream) != NEVER]
    check_streams("query", "the fields of this query", having, streams, readable)
    return query


def parse_verified_query(text: str, streams: Collection[Stream], answer: str) -> Query:
    """Read the query of a request for verified records.

    Args:
        text: the query.
        streams: the streams of the request.
        answer: clause about the records of the answer, for the error message.

    Raises:
        InvalidArgumentError: the query admits no verified records, or as ``parse_query``.
    """
    query = parse_query(text, pb.CHECK_RECORDS, streams)
    if query.evidence is not None and "verified" not in query.evidence:
        raise InvalidArgumentError(f"query: {answer}: leave 'evidence:' out")
    return query


def check_streams(
    parameter: str,
    what: str,
    having: Collection[Stream],
    streams: Collection[Stream],
    readable: Collection[Stream] = tuple(Stream),
) -> None:
    """Refuse what no stream of a request has, but another one: the answer would have nothing in it, and not say why.

    Args:
        parameter: name of the parameter that is wrong.
        what: noun phrase for what the other streams have.
        having: the streams that have it.
        streams: the streams of the request.
        readable: the streams that a request of this call may name.

    Raises:
        InvalidArgumentError: only other streams have it; the message says which.
    """
    if not having or not set(having).isdisjoint(streams):
        return
    names = [stream.value for stream in Stream if stream in having and stream in readable]
    remedy = (
        f": name {' or '.join(names)} in streams (--stream {names[0]})"
        if names
        else f", and this call finds {_nouns(readable)} only"
    )
    raise InvalidArgumentError(f"{parameter}: only {_nouns(having)} have {what}{remedy}")


def _nouns(streams: Collection[Stream]) -> str:
    return " and ".join(noun for stream, noun in _NOUNS.items() if stream in streams)


def parse_streams(names: Iterable[str], valid: Sequence[str] = _NAMES) -> tuple[Stream, ...]:
    """Return the streams with these names, those of records for no name; each once, in their usual order.

    Args:
        names: the names.
        valid: names of the streams that may be asked for.

    Streams that the caller may not read are left out, unless they are named.

    Raises:
        InvalidArgumentError: there is no stream with a name.
        ForbiddenError: a stream is named that the caller may not read, or the caller may read none of the usual ones.
    """
    wanted = set(names)
    for name in sorted(wanted):
        if name not in valid:
            raise InvalidArgumentError(f"streams: {not_one_of(name, valid)}")
    usual = {stream.value for stream in Stream if stream is not Stream.SPANS}
    found = tuple(stream for stream in Stream if stream.value in (wanted or usual))
    readable = tuple(stream for stream in found if may_read(RECORD_TABLES[stream]))
    if not readable or (wanted and readable != found):
        others = (_NOUNS[stream] for stream in found if stream not in readable)
        raise ForbiddenError(f"streams: these credentials do not permit reading {' and '.join(others)}")
    return readable
