"""The page about the query language, held against the language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import server.query.parser
from server.query.fields import SHORT_NAMES
from server.query.parser import DEEPEST, LONGEST, MOST_TERMS
from server.query.resolve import read_query

PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## Terms")[0], re.MULTILINE)


@pytest.mark.parametrize("query", EXAMPLES)
def test_each_example_is_a_query(query: str) -> None:
    read_query(query)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


def test_the_grammar_is_the_grammar_of_the_parser() -> None:
    grammar = PAGE.partition("## Grammar")[2].partition("```\n")[2].partition("```")[0]
    documented = [line.strip() for line in grammar.splitlines()]
    assert [line.strip() for line in (server.query.parser.__doc__ or "").splitlines() if " = " in line] == documented


def test_all_short_names_and_limits_are_on_the_page() -> None:
    table = PAGE.partition("## Fields")[2].partition("## Limits")[0]
    assert [name for name in SHORT_NAMES if f"`{name}`" not in table] == []
    assert all(f"{limit:,}" in PAGE.partition("## Limits")[2] for limit in (LONGEST, MOST_TERMS, DEEPEST))
