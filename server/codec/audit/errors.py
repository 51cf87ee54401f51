"""Errors of audit rules."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["RuleError"]


class RuleError(LognotaryError):
    """Error of an audit rule in the settings; the message names the rule and what is wrong with it."""
