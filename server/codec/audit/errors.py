"""Errors of audit rules and of canonical JSON."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["CanonicalFormError", "RuleError"]


class CanonicalFormError(LognotaryError):
    """The record has no canonical JSON; the message says why."""


class RuleError(LognotaryError):
    """Error of an audit rule in the settings; the message names the rule and what is wrong with it."""
