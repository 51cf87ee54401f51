"""Docstrings and messages follow the language rules of CONTRIBUTING.md as far as a program can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("benchmarks", "docs", "harness", "release", "server", "storage", "tests")
OF_FILES = frozenset({"OSError", "FileNotFoundError", "PermissionError", "FileExistsError"})
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


def raw_errors(file: Path) -> Iterator[str]:
    """Return the places at which a handler of OSError puts the error itself into a message."""
    for handler in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None or handler.name is None:
            continue
        if not any(isinstance(node, ast.Name) and node.id in OF_FILES for node in ast.walk(handler.type)):
            continue
        for node in ast.walk(handler):
            values = [node.value] if isinstance(node, ast.FormattedValue) else []
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("str", "_logger.")):
                values = node.args
            if any(isinstance(value, ast.Name) and value.id == handler.name for value in values):
                yield f"{file.relative_to(ROOT)}:{handler.lineno}"


def test_no_message_has_an_error_of_the_operating_system_in_the_notation_of_python() -> None:
    files = [file for folder in ("server", "storage") for file in sorted((ROOT / folder).rglob("*.py"))]
    assert [place for file in files for place in raw_errors(file)] == []
