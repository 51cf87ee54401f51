"""The names of logs: origin ``<deployment>/<stream>/<writer>`` and the short ID that rows carry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from server.notary.errors import MalformedError

__all__ = ["LogName", "Stream"]

_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class Stream(Enum):
    """The streams of a deployment: a log record is in one of the first two, a span in the third."""

    AUDIT = "audit"
    OPERATIONAL = "operational"
    SPANS = "spans"


@dataclass(frozen=True, slots=True)
class LogName:
    """Name of a log: one log per deployment, stream and writer."""

    deployment: str
    stream: Stream
    writer: str

    def __post_init__(self) -> None:
        for what, name in (("deployment", self.deployment), ("writer", self.writer)):
            if not _NAME.fullmatch(name) or (what == "writer" and "/" in name):
                raise MalformedError(f"the {what} name {name!r} may contain only letters, digits, '.', '_' and '-'")

    @property
    def origin(self) -> str:
        """The log's origin line and key name (C2SP tlog-checkpoint)."""
        return f"{self.deployment}/{self.stream.value}/{self.writer}"

    @property
    def log_id(self) -> str:
        """The first 16 hex digits of SHA-256(origin)."""
        return sha256(self.origin.encode()).hexdigest()[:16]

    @classmethod
    def parse(cls, origin: str) -> LogName:
        """Read an origin.

        Raises:
            MalformedError: the text is not ``<deployment>/<stream>/<writer>``.
        """
        try:
            deployment, stream, writer = origin.rsplit("/", 2)
            return cls(deployment, Stream(stream), writer)
        except ValueError as error:
            raise MalformedError(f"{origin!r} is not <deployment>/<stream>/<writer>") from error
