"""Lines of a TOML file on which its keys and sections stand, and problems in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["HEADER", "KEY", "Lines", "in_order"]

HEADER = re.compile(r"\s*\[\[?\s*([\w.\-\" ]+?)\s*\]\]?\s*(#.*)?")
"""Line that begins a section; its name is the first group."""

KEY = re.compile(r"""\s*(["']?)([\w\-]+)\1\s*[=.]""")
"""Beginning of a line with a key, which is the second group."""


class Lines:
    """Lines of a TOML file on which its keys stand, as well as can be told without parsing it."""

    def __init__(self, text: str) -> None:
        """Find the keys and sections of a text."""
        self._lines: dict[str, list[int]] = {}
        self._sections: dict[int, dict[str, int]] = {}
        section, keys = "", self._sections.setdefault(0, {})
        for number, line in enumerate(text.splitlines(), 1):
            if header := HEADER.fullmatch(line):
                section, keys = header[1].replace(" ", "").replace('"', ""), self._sections.setdefault(number, {})
                self._add([section, section.partition(".")[0]], number)
            elif key := KEY.match(line):
                self._add([f"{section}.{key[2]}" if section else key[2]], number)
                keys.setdefault(key[2], number)

    def of(self, name: str, occurrence: int = 1) -> str:
        """Return ``:`` and the line of a key or section, empty if it is not found."""
        found = self._lines.get(name, [])
        return f":{found[min(occurrence, len(found)) - 1]}" if found else ""

    def in_section(self, line: int, key: str) -> int:
        """Return the line of a key in the section that begins at a line, that line itself if the key is not there."""
        return self._sections.get(line, {}).get(key, line)

    def _add(self, names: Iterable[str], number: int) -> None:
        for name in dict.fromkeys(names):
            self._lines.setdefault(name, []).append(number)


def in_order(problems: Iterable[str], file: str, lines: Lines) -> list[str]:
    """Return problems in the order of the lines of the settings file, after those that are not of the file.

    A problem of a section that begins with the name of a key, or names an unknown one, gets the line of this key.

    Args:
        problems: sentences, those of the file with their place before them.
        file: the settings file; empty if there is none.
        lines: the lines of the file.
    """
    of_file = re.compile(rf"{re.escape(file)}:(\d+): (?:unknown setting )?(\w*)")
    found: list[tuple[int, str]] = []
    for problem in problems:
        place = of_file.match(problem) if file else None
        line = lines.in_section(int(place[1]), place[2]) if place else 0
        found.append((line, f"{file}:{line}{problem[place.end(1) :]}" if place else problem))
    return [problem for _, problem in sorted(found, key=lambda each: each[0])]
