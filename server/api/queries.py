"""Queries and streams of requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lognotary.v1 import correlation_pb2 as pb
from server.api.errors import InvalidArgumentError
from server.errors.suggestions import not_one_of
from server.notary.origin import Stream
from server.query.errors import QueryError
from server.query.resolve import Query, read_query

__all__ = ["parse_query", "parse_streams"]

_NAMES = tuple(stream.value for stream in Stream)


def parse_query(text: str, check: pb.EvidenceCheck) -> Query:
    """Read the query of a request whose records are checked like this.

    Raises:
        InvalidArgumentError: the query cannot be understood, or asks for evidence that is not checked.
    """
    try:
        query = read_query(text)
    except QueryError as error:
        raise InvalidArgumentError(f"query: {error}") from error
    if query.evidence is not None and check == pb.CHECK_SIGNATURES:
        raise InvalidArgumentError(
            "query: evidence is not checked with CHECK_SIGNATURES: leave the check out, or 'evidence:'"
        )
    return query


def parse_streams(names: Iterable[str], valid: Sequence[str] = _NAMES) -> tuple[Stream, ...]:
    """Return the streams with these names, those of records for no name; each once, in their usual order.

    Args:
        names: the names.
        valid: names of the streams that may be asked for.

    Raises:
        InvalidArgumentError: there is no stream with a name.
    """
    wanted = set(names)
    for name in sorted(wanted):
        if name not in valid:
            raise InvalidArgumentError(f"streams: {not_one_of(name, valid)}")
    usual = {stream.value for stream in Stream if stream is not Stream.SPANS}
    return tuple(stream for stream in Stream if stream.value in (wanted or usual))
