"""Errors of settings and of the command line."""

from __future__ import annotations

from collections.abc import Sequence

from server.errors.base import LognotaryError

__all__ = ["ConfigError"]


class ConfigError(LognotaryError):
    """Error of settings; the message names each setting, its source, and what it must be.

    Attributes:
        problems: all that is wrong, one sentence each.
    """

    def __init__(self, *problems: str) -> None:
        """Create an error of one or more problems."""
        super().__init__("; ".join(problems))
        self.problems: Sequence[str] = problems
