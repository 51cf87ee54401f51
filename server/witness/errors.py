"""Errors of witnesses and timestamp authorities.

WitnessError
├── UnavailableError          no answer, or an answer to retry later
├── AnswerError               an answer that violates the protocol or is invalid
├── WitnessRefusedError              the service refuses to confirm
│   └── OtherHistoryError     the witness knows another history of this log
├── LogUnavailableError       the log's own storage cannot be read or written
├── RootsError                root certificates that cannot be read
└── PackageMissingError       a required package is not installed
"""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = [
    "AnswerError",
    "LogUnavailableError",
    "OtherHistoryError",
    "PackageMissingError",
    "RootsError",
    "UnavailableError",
    "WitnessError",
    "WitnessRefusedError",
]


class WitnessError(LognotaryError):
    """Base of every error of this package; the message names the service and the reason."""


class UnavailableError(WitnessError):
    """There was no answer, or an answer to retry later."""


class AnswerError(WitnessError):
    """The answer violates the protocol, or a signature in it is invalid."""


class WitnessRefusedError(WitnessError):
    """The service refused to confirm the checkpoint."""


class OtherHistoryError(WitnessRefusedError):
    """A witness has cosigned a history of this log that is inconsistent with the log."""


class LogUnavailableError(WitnessError):
    """The log cannot be read, or a confirmation cannot be stored, at the moment."""


class RootsError(WitnessError):
    """A file of root certificates cannot be read."""


class PackageMissingError(WitnessError):
    """A package that a setting needs is not installed; the message says how to install it."""
