"""Errors of audit rules and of canonical JSON."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["CanonicalFormError", "RuleError"]


class CanonicalFormError(LognotaryError):
    """The record has no canonical JSON; the message says why.

    Attributes:
        remedy: what the sender should send instead.
    """

    def __init__(self, message: str, remedy: str = "a smaller record") -> None:
        """Create an error. Args: the message, what to send instead."""
        super().__init__(message)
        self.remedy = remedy


class RuleError(LognotaryError):
    """Error of an audit rule in the settings; the message names the rule and what is wrong with it."""
