"""The names of logs: origins, and the short IDs that rows carry.

The origin of a log is ``<deployment>/<stream>/<writer>``, that of a tenant's log
``<deployment>/<tenant>/<stream>/<writer>``. An access log has audit records of who looked: it belongs to the stream of
audit records, and has ``access`` in the place of the stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from server.notary.errors import MalformedError

__all__ = ["ACCESS", "NO_OWNER", "WHOLE_SERVER", "LogName", "LogOwner", "Stream"]

ACCESS = "access"
"""The word for an access log in its origin, in the place of the stream."""

WHOLE_SERVER = "*"
"""Tenant of the records of who looked that are about the whole server; no tenant can have this name."""

_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class Stream(Enum):
    """The streams of a deployment: a log record is in one of the first two, a span in the third."""

    AUDIT = "audit"
    OPERATIONAL = "operational"
    SPANS = "spans"


@dataclass(frozen=True, slots=True)
class LogOwner:
    """Records of a stream that have a log of their own, beside those of other owners by the same writer.

    Attributes:
        tenant: the tenant to whom they belong; empty for the default one.
        access: True for audit records of who looked.
    """

    tenant: str = ""
    access: bool = False

    @property
    def stored_tenant(self) -> str:
        """The tenant in the columns ``Tenant`` of storage: records of the whole server are not the default tenant's."""
        return WHOLE_SERVER if self.access and not self.tenant else self.tenant


NO_OWNER = LogOwner()
"""The owner of records of the default tenant."""


@dataclass(frozen=True, slots=True, eq=False)
class LogName:
    """Name of a log: one log per deployment, tenant, stream and writer. Names with one origin are equal."""

    deployment: str
    stream: Stream
    writer: str
    tenant: str = ""
    access: bool = False

    def __post_init__(self) -> None:
        if self.access and self.stream is not Stream.AUDIT:
            raise MalformedError("an access log belongs to the stream audit")
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
        return f"{self.deployment}{of_tenant}/{ACCESS if self.access else self.stream.value}/{self.writer}"

    @property
    def owner(self) -> LogOwner:
        """The owner of the log's records."""
        return LogOwner(self.tenant, self.access)

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
            access = stream == ACCESS
            kind = Stream.AUDIT if access else Stream(stream)
            of, _, tenant = owner.rpartition("/")
            if deployment and of == deployment:
                return cls(deployment, kind, writer, tenant, access)
            return cls(owner, kind, writer, access=access)
        except ValueError as error:
            raise MalformedError(f"{origin!r} is not <deployment>/<stream>/<writer>") from error
