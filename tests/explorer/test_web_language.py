"""Comments of the explorer's modules, which follow the language rules of CONTRIBUTING.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).parents[2] / "server" / "explorer" / "web"
OPENER = re.compile(r"/\*\*?\s*(?:\* )?(?:What|Whether|How|Who|Where|That|Those|Things|When|Why)\b")
NO_ONE = re.compile(r"(?<!here )\b(?:is|are) no (?!longer)[a-z]")  # "there is no" is plain English
MOST = 120  # characters of a line


def modules() -> Iterator[tuple[str, str]]:
    """Return the path of every module and style sheet, and its text."""
    for file in sorted([*WEB.glob("*.*"), *WEB.glob("*/*.*")]):
        is_own = file.parent.name != "node_modules" and file.name != "schema.d.ts"
        if is_own and file.suffix in {".ts", ".tsx", ".css"}:
            yield str(file.relative_to(WEB)), file.read_text(encoding="utf-8")


def test_doc_comments_begin_with_a_noun_phrase_or_an_imperative() -> None:
    found = list(modules())
    assert len(found) > 300
    assert [(path, match[0]) for path, text in found for match in OPENER.finditer(text)] == []


def test_a_thing_is_not_a_thing_rather_than_no_thing() -> None:
    assert [(path, match[0]) for path, text in modules() for match in NO_ONE.finditer(text)] == []


def test_comments_fit_the_line() -> None:
    comment = re.compile(r"\s*(?:/\*|\*|//)")  # the formatter breaks lines of code, and not those of comments
    lines = [(path, line) for path, text in modules() for line in text.splitlines() if comment.match(line)]
    assert [(path, line) for path, line in lines if len(line) > MOST] == []
