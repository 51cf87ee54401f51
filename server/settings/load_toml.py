"""TOML, read with limited effort."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from server.settings.huge_numbers import TEXT_OR_COMMENT

__all__ = ["load_toml"]

# Of a dotted key with n parts, tomllib keeps n texts of up to n parts: 400 kB of a key would take all memory.
_DEEP_KEY = re.compile(r"""(?<![\w"-])(?:(?:[\w-]++|"")[ \t]*+\.[ \t]*+){50}""")


def load_toml(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        TOMLDecodeError: the text is not TOML.
        RecursionError: lists or tables are nested too deep, or a key has 50 parts or more.
    """
    if _DEEP_KEY.search(TEXT_OR_COMMENT.sub('""', text)):
        raise RecursionError
    return tomllib.loads(text)
