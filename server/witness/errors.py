"""What can go wrong with witnesses and timestamp authorities.

WitnessError
├── UnavailableError          no answer, or none now: it may be down
├── AnswerError               an answer that is not the protocol's, or does not hold
├── WitnessRefusedError              it does not confirm this, and says so
│   └── OtherHistoryError     because it knows another history of this log
├── LogUnavailableError       the log's own storage cannot be read or written now
├── RootsError                root certificates that cannot be read
└── PackageMissingError       a package that is needed is not installed
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
    """Base of every error of this package; the message says which service, and why."""


class UnavailableError(WitnessError):
    """There was no answer, or one that asks to come again later."""


class AnswerError(WitnessError):
    """The answer is not what the protocol allows, or a signature in it is not what it must be."""


class WitnessRefusedError(WitnessError):
    """The service answered that it does not confirm what it was sent."""


class OtherHistoryError(WitnessRefusedError):
    """A witness has cosigned a history of this log that the log does not go on from."""


class LogUnavailableError(WitnessError):
    """The log cannot be read, or what was obtained not be kept, for now."""


class RootsError(WitnessError):
    """A file of root certificates cannot be read."""


class PackageMissingError(WitnessError):
    """A package that a setting needs is not installed; the message says how to install it."""
