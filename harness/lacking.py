"""What a test needs and a machine may not have: an error in CI, a skip that says why elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["lacking", "require_tools"]


def lacking(why: str) -> NoReturn:
    """Fail in CI, where everything has to be there; skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"in CI nothing may be missing: {why}")
    pytest.skip(why, allow_module_level=True)


def require_tools(*tools: str) -> None:
    """Go on only where these are on the path."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        lacking(f"not installed: {', '.join(missing)}")
