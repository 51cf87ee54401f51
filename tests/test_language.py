"""Docstrings follow the language rules of CONTRIBUTING.md as far as a program can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("benchmarks", "docs", "harness", "server", "storage", "tests")
NO_OPENERS = frozenset({"What", "Whether", "How", "Who", "Where", "Those", "That", "Things", "Telling"})


def docstrings() -> Iterator[tuple[str, str]]:
    """Return the place and the text of every docstring."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    text = ast.get_docstring(node)
                    if text:
                        yield f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}", text


def test_docstrings_begin_with_a_noun_phrase_or_an_imperative() -> None:
    found = list(docstrings())
    assert len(found) > 1000
    assert [place for place, text in found if text.split(maxsplit=1)[0].strip(".,:;") in NO_OPENERS] == []
