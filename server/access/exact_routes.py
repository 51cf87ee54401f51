r"""Routes that match a path and nothing more.

Starlette's patterns end with ``$``, which in Python also matches before a line break at the end. So ``/metrics%0A``
would be ``/metrics``, and a proxy that lets nobody reach this path would pass it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["match_exactly"]


def match_exactly(routes: Iterable[Any]) -> None:
    """Change routes of Starlette so that they match no path with a line break behind it."""
    for route in routes:
        pattern: re.Pattern[str] = route.path_regex
        route.path_regex = re.compile(pattern.pattern.removesuffix("$") + r"\Z", pattern.flags)
