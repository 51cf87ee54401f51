"""Queries on the command line."""

from __future__ import annotations

import argparse

from server.commands.output import complain, complain_lines
from server.query.errors import QueryError
from server.query.resolve import read_query

__all__ = ["UNPROVED", "check_query"]

UNPROVED = "Stored records are counted, whether they can be proved or not: 'lognotary search' tells that of each"


def check_query(options: argparse.Namespace, command: str) -> tuple[str, int]:
    """Return the text of the query, and 0; or the exit status of an error that has been told."""
    text = " ".join(options.query)
    try:
        read_query(text)
    except QueryError as error:
        complain(f"{command}: {error}")
        complain_lines(*(f"  {line}" for line in error.pointed()))
        return text, error.exit_status
    return text, 0
