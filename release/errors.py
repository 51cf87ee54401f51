"""Errors of releases."""

from __future__ import annotations

__all__ = ["ReleaseError"]


class ReleaseError(Exception):
    """A release cannot be made or is not what it should be; the message says why."""
