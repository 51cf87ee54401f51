"""One setting, and the kinds of values. It imports little: every command needs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["PORTS", "PREFIX", "Kind", "Setting"]

PREFIX = "LOGNOTARY_"
PORTS = ("otlp_grpc", "otlp_http", "api_grpc", "http")
"""The settings of the addresses on which a server listens."""


class Kind(Enum):
    """Kind of a setting's value, as help texts name it."""

    ADDRESS = "ADDRESS"
    CHOICE = "WORD"
    COUNT = "N"
    DAYS = "DAYS"
    DIRECTORY = "DIR"
    DURATION = "DURATION"
    FILE = "FILE"
    FILES = "FILES"
    INTERVAL = "INTERVAL"
    LIST = "LIST"
    SECRET = "SECRET"  # noqa: S105 - a word; it has no flag, because everyone on the machine can see flags
    SIZE = "SIZE"
    TEXT = "NAME"
    TRUTH = "BOOL"
    URL = "URL"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``name`` in the file, ``--name`` as a flag, ``LOGNOTARY_NAME`` as a variable; secrets have no flag.

    Attributes:
        name: name in the file.
        default: default value, as it would be typed; empty if there is none.
        help: help text.
        kind: kind of its value.
        group: heading under which help texts list it.
        choices: valid values of a ``CHOICE``.
    """

    name: str
    default: str
    help: str
    kind: Kind
    group: str
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()
