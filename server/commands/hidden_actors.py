"""Hints for searches that find nothing because redaction has put marks in place of actors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

import grpc

from lognotary.v1 import correlation_pb2
from server.errors.base import LognotaryError
from server.notary.origin import Stream
from server.query.fields import find_field
from server.query.parser import parse
from server.query.printer import print_query
from server.query.tree import Conjunction, Disjunction, FieldName, Match, Node, Phrase, Wildcard, Word
from storage.conditions import Column

__all__ = ["actor_fields", "hidden_actor_lines", "hint"]

_Search = Callable[[correlation_pb2.SearchRequest], correlation_pb2.SearchResponse]
_Ranged = (
    correlation_pb2.SearchRequest | correlation_pb2.SearchAuditEventsRequest | correlation_pb2.ActorTimelineRequest
)
_BEGINNINGS = ("[redacted:", "[hmac:")
_MARK = re.compile(r"\[(redacted|hmac):[a-z0-9_.]+(:sha256)?(:[0-9a-f]+)?\]")
_FIELDS = {"ActorId": "actor", "EffectiveActorId": "effective_actor", "ActorName": "actor_name"}
_VALUES = {"actor": "actor_id", "effective_actor": "effective_actor_id", "actor_name": "actor_name"}
_OPTIONS = {"actor": "--actor", "effective_actor": "--effective-actor"}


def actor_fields(query: str) -> list[str]:
    """Return the fields in which a query, which is valid, searches for an actor, and not for a mark."""
    return list(dict.fromkeys(_fields(parse(query))))


def _fields(node: Node) -> Iterator[str]:
    match node:
        case Conjunction(items) | Disjunction(items):
            for item in items:
                yield from _fields(item)
        case Match(FieldName(name), Word(text) | Phrase(text) | Wildcard((text, *_))):
            place = find_field(name).place
            if isinstance(place, Column) and place.name in _FIELDS and not text.startswith("["):
                yield _FIELDS[place.name]


def hidden_actor_lines(
    search: _Search,
    fields: Sequence[str],
    asked: _Ranged,
) -> list[str]:
    """Return hints if there are audit records that have a mark in place of an actor.

    Args:
        search: answers searches.
        fields: the fields of actors that were searched, of those that ``actor_fields`` returns.
        asked: the search that found nothing, for its range of time.
    """
    lines = []
    try:
        for field in fields:
            # Whoever searches for an actor may have given its name instead of its ID.
            names = (field, "actor_name") if field == "actor" and "actor_name" not in fields else (field,)
            found = (_marks(search, name, asked) for name in names)
            lines += next(filter(None, found), [])
    except (grpc.RpcError, LognotaryError):
        return lines  # the search itself was answered
    return lines


def _marks(search: _Search, field: str, asked: _Ranged) -> list[str]:
    """Return a hint for each kind of mark that records have in a field."""
    hints = []
    for beginning in _BEGINNINGS:
        request = correlation_pb2.SearchRequest(
            query=_query(field, beginning),
            streams=[Stream.AUDIT.value],
            since=asked.since if asked.HasField("since") else None,
            until=asked.until if asked.HasField("until") else None,
            page_size=1,
            check=correlation_pb2.CHECK_SIGNATURES,
        )
        marks = [getattr(entry.audit_event.audit, _VALUES[field]) for entry in search(request).entries]
        hints += [hint(field, mark) for mark in marks if _MARK.fullmatch(mark)]
    return hints


def hint(field: str, mark: str) -> str:
    """Return how to search for records that have a mark in a field of actors."""
    if mark.startswith("[hmac:"):
        return (
            f"redaction has replaced actors of other records by marks, such as {mark}. Equal actors have equal marks; "
            f"find the records of that one with: {_command(field, mark, is_beginning=False)}"
        )
    command = _command(field, "[redacted:", is_beginning=True)
    disclosed = "; 'lognotary disclose RECORD' shows the actor of one" if ":sha256:" in mark else ""
    return (
        f"redaction has replaced actors of other records by marks, such as {mark}. Find these records with: "
        f"{command}{disclosed}"
    )


def _command(field: str, text: str, *, is_beginning: bool) -> str:
    if option := _OPTIONS.get(field):
        return shlex.join(["lognotary", "audit", option, f"{text}*" if is_beginning else text])
    query = _query(field, text) if is_beginning else print_query(Match(FieldName(field), Phrase(text)))
    return shlex.join(["lognotary", "search", query])


def _query(field: str, beginning: str) -> str:
    return print_query(Match(FieldName(field), Wildcard((beginning, ""))))
