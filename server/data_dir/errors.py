"""Errors of the data directory."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["DataDirectoryError"]


class DataDirectoryError(LognotaryError):
    """The data directory cannot be used; the message says what to do."""
