"""Errors of settings and of the command line."""

from __future__ import annotations

from collections.abc import Sequence

from server.errors.base import LognotaryError

__all__ = ["CertificateError", "ConfigError"]


class CertificateError(LognotaryError):
    """A certificate cannot be used; the message names the file, and says what to do.

    Attributes:
        part: the setting that is at fault: ``cert``, ``key`` or ``client_ca``.
    """

    def __init__(self, part: str, message: str) -> None:
        """Create an error."""
        super().__init__(message)
        self.part = part


class ConfigError(LognotaryError):
    """Error of settings; the message names each setting, its source, and what it must be.

    Attributes:
        problems: all that is wrong, one sentence each.
    """

    def __init__(self, *problems: str) -> None:
        """Create an error of one or more problems."""
        super().__init__("; ".join(problems))
        self.problems: Sequence[str] = problems
