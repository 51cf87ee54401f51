"""The names of logs: origins, and the short IDs that rows carry.

The origin of a log is ``<deployment>/<stream>/<writer>``, that of a tenant's log
``<deployment>/<tenant>/<stream>/<writer>``.
"""

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


@dataclass(frozen=True, slots=True, eq=False)
class LogName:
    """Name of a log: one log per deployment, tenant, stream and writer. Names with one origin are equal."""

    deployment: str
    stream: Stream
    writer: str
    tenant: str = ""

    def __post_init__(self) -> None:
        for what, name in (("deployment", self.deployment), ("writer", self.writer), ("tenant", self.tenant or "-")):
            if not _NAME.fullmatch(name) or (what != "deployment" and "/" in name):
                raise MalformedError(f"the {what} name {name!r} may contain only letters, digits, '.', '_' and '-'")

    def __eq__(self, other: object) -> bool:
        # An origin does not show where the deployment ends and the tenant begins.
        return isinstance(other, LogName) and self.origin == other.origin

    def __hash__(self) -> int:
        return hash(self.origin)

    @property
    def origin(self) -> str:
        """The log's origin line and key name (C2SP tlog-checkpoint)."""
        of_tenant = f"/{self.tenant}" if self.tenant else ""
        return f"{self.deployment}{of_tenant}/{self.stream.value}/{self.writer}"

    @property
    def log_id(self) -> str:
        """The first 16 hex digits of SHA-256(origin)."""
        return sha256(self.origin.encode()).hexdigest()[:16]

    @classmethod
    def parse(cls, origin: str, deployment: str = "") -> LogName:
        """Read an origin.

        Args:
            origin: the origin.
            deployment: the deployment, if it is known; else the deployment of a tenant's log has the tenant in it.

        Raises:
            MalformedError: the text is no origin of a log.
        """
        try:
            owner, stream, writer = origin.rsplit("/", 2)
            of, _, tenant = owner.rpartition("/")
            if deployment and of == deployment:
                return cls(deployment, Stream(stream), writer, tenant)
            return cls(owner, Stream(stream), writer)
        except ValueError as error:
            raise MalformedError(f"{origin!r} is not <deployment>/<stream>/<writer>") from error
