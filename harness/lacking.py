"""Missing prerequisites of tests: an error in CI, a skip with a reason elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["lacking", "require_tools"]


def lacking(why: str) -> NoReturn:
    """Fail in CI, where everything must be installed; skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"in CI nothing may be missing: {why}")
    pytest.skip(why, allow_module_level=True)


def require_tools(*tools: str) -> None:
    """Skip or fail unless these tools are on the path."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        lacking(f"not installed: {', '.join(missing)}")
