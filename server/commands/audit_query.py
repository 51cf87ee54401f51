"""The filters of ``lognotary audit`` as a query."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from server.commands.arguments.audit import FILTERS
from server.notary.audit_words import ACCESS_SCOPE, OWN_SENDER, parse_pattern
from server.query.printer import print_query
from server.query.tree import Conjunction, Everything, FieldName, Match, Node, Phrase, Present, Wildcard

__all__ = ["ONLY_ACCESS", "filter_query", "query_of_options", "whole_query"]

ONLY_ACCESS = f"scope:{ACCESS_SCOPE} AND sender:{OWN_SENDER}"
"""Query of the records of who looked."""

_FIELDS = {"effective-actor": "effective_actor", "target-type": "TargetType"}


def query_of_options(options: argparse.Namespace) -> str:
    """Return the query of the filters among the options of the command."""
    return filter_query({flag: getattr(options, field) or "" for flag, (field, _) in FILTERS.items()})


def whole_query(options: argparse.Namespace) -> str:
    """Return the query of all options of the command: the filters, and whether records of who looked are shown."""
    of_access = ONLY_ACCESS if options.access else f"NOT ({ONLY_ACCESS})"
    filters = query_of_options(options)
    return of_access if filters == print_query(Everything()) else f"({filters}) AND {of_access}"


def filter_query(filters: Mapping[str, str]) -> str:
    """Return the query of the filters of ``lognotary audit``: name of the option -> value, empty for none."""
    parts: list[Node] = []
    for name, text in filters.items():
        field = FieldName(_FIELDS.get(name, name))
        if not text:
            continue
        if name == "text":
            parts.append(Match(None, Wildcard(("", text, ""))))
        elif name in ("outcome", "category", "signature", "trace"):
            parts.append(Match(field, Phrase(text)))
        else:
            beginning, is_prefix = parse_pattern(text)
            value = Wildcard((beginning, "")) if beginning else Present()
            parts.append(Match(field, value if is_prefix else Phrase(beginning)))
    if not parts:
        return print_query(Everything())
    return print_query(Conjunction(tuple(parts)) if len(parts) > 1 else parts[0])
