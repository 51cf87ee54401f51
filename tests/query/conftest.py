from __future__ import annotations

from tests.api.conftest import writer

__all__ = ["writer"]
