"""Place of the file with the logins of the user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["logins_file"]


def logins_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the file (XDG Base Directory Specification)."""
    base = environ.get("XDG_CONFIG_HOME", "")
    directory = Path(base) if base.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".config"
    return directory / "lognotary" / "logins.json"
