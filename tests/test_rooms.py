"""The table of rooms in CONTRIBUTING.md, held against what the rooms import."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| `(?P<room>[\w/]+)/` \| [^|]+ \| (?P<knows>[^|]+) \|$", re.MULTILINE)


def table() -> dict[str, set[str]]:
    """Room -> the rooms that CONTRIBUTING.md lets it know, both as paths."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return {row["room"]: set(re.findall(r"`([\w/]+)/`", row["knows"])) for row in ROW.finditer(text)}


def room_of(module: str) -> str | None:
    """The room of a dotted module; None for entry points and for what is no room."""
    first, *rest = module.split(".")
    if first == "storage":
        return "storage"
    if first == "lognotary":
        return "proto/lognotary/v1"
    if first == "server" and rest and (ROOT / "server" / rest[0]).is_dir():
        return f"server/{rest[0]}"
    return None


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Room -> the rooms that its modules import."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for file in [*(ROOT / "server").rglob("*.py"), *(ROOT / "storage").rglob("*.py")]:
        room = room_of(".".join(file.relative_to(ROOT).with_suffix("").parts))
        if room is not None:
            rooms[room] |= {other for name in imports(file) if (other := room_of(name)) and other != room}
    return dict(rooms)


def test_every_room_is_in_the_table(known: dict[str, set[str]]) -> None:
    assert set(known) == set(table()) - {"proto/lognotary/v1"}


def test_rooms_know_what_the_table_says_and_nothing_else(known: dict[str, set[str]]) -> None:
    assert known == {room: knows for room, knows in table().items() if room in known}


def test_the_top_of_the_server_has_entry_points_only() -> None:
    modules = {file.name for file in (ROOT / "server").glob("*.py")}
    assert modules == {"__init__.py", "__main__.py", "app.py", "check.py", "cli.py", "worker.py"}
