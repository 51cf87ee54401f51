"""Queries on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from server.commands.output import complain, complain_lines
from server.query.errors import QueryError
from server.query.resolve import read_query

__all__ = ["UNPROVED", "check_query"]

UNPROVED = "These are numbers of stored records, proved or not: 'lognotary search' shows the evidence of each record"


def check_query(command: str, words: Sequence[str]) -> int:
    """Return 0 for a query that can be understood; otherwise print what is wrong, and return the exit status.

    Args:
        command: name of the command.
        words: the arguments that are the query.
    """
    try:
        read_query(" ".join(words))
    except QueryError as error:
        complain(f"{command}: {error}")
        complain_lines(*(f"  {line}" for line in error.pointed()))
        return error.exit_status
    return 0
