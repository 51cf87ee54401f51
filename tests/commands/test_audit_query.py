"""The query of the options of ``lognotary audit``: with who looked, or without."""

from __future__ import annotations

import pytest

from server.cli import build_parser
from server.commands.audit_query import whole_query
from server.query.parser import parse


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ([], "NOT (scope:lognotary.access AND sender:server)"),
        (["--access"], "scope:lognotary.access AND sender:server"),
        (["--actor", "alice"], '(actor:"alice") AND NOT (scope:lognotary.access AND sender:server)'),
        (["--actor", "alice", "--access"], '(actor:"alice") AND scope:lognotary.access AND sender:server'),
        (
            ["--actor", 'x" OR NOT (', "--action", "role.*"],
            '(actor:"x\\" OR NOT (" action:role.*) AND NOT (scope:lognotary.access AND sender:server)',
        ),
    ],
)
def test_the_query_has_the_filters_and_says_whether_records_of_who_looked_are_shown(
    options: list[str], query: str
) -> None:
    assert whole_query(build_parser("audit").parse_args(["audit", *options])) == query
    parse(query)
