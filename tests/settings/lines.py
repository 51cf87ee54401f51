"""Lines of settings files that problems name."""

from __future__ import annotations

import re

__all__ = ["is_on_its_line"]


def is_on_its_line(problem: str, text: str) -> bool:
    """Return whether a problem of the table on line 2 has the line of its key, or of the table if it is of none."""
    found = re.match(r"file:(\d+): (?:unknown setting )?(\w*)", problem)
    keys = (number for number, line in enumerate(text.splitlines(), 1) if found and line.startswith(f"{found[2]} ="))
    return found is not None and int(found[1]) == next(keys, 2)
