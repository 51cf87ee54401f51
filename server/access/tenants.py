"""Names of tenants."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream

__all__ = ["DEFAULT_TENANT", "check_tenant", "tenant_of_log", "tenants_of_logs"]

DEFAULT_TENANT = ""
"""The tenant of records whose sender belongs to none: its logs have no tenant in their origin."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = frozenset(stream.value for stream in Stream) | {"access"}


def check_tenant(name: str) -> str:
    """Return the name of a tenant, which is a part of the origin of its logs.

    Raises:
        MalformedError: the name cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise MalformedError(
            f"{name[:80]!r} is not the name of a tenant: up to 64 letters, digits, '.', '_' and '-', of which the "
            "first is a letter or digit"
        )
    if name in _RESERVED:
        raise MalformedError(f"{name!r} cannot be the name of a tenant, because it is the name of a stream")
    return name


def tenant_of_log(origin: str, deployment: str) -> str | None:
    """Return the tenant of a log, as storage has it; None if the log is not one of a deployment.

    Args:
        origin: ``<deployment>/<stream>/<writer>``, or ``<deployment>/<tenant>/<stream>/<writer>``.
        deployment: name of the deployment.
    """
    return next((name.owner.stored_tenant for name in _parsed([origin], deployment)), None)


def tenants_of_logs(origins: Iterable[str], deployment: str) -> frozenset[str]:
    """Return the tenants of logs of a deployment, without the default one.

    Access logs do not count: that somebody asked for a tenant does not mean that it has records.

    Args:
        origins: as in ``tenant_of_log``.
        deployment: name of the deployment.
    """
    names = _parsed(origins, deployment)
    return frozenset(name.tenant for name in names if name.tenant and not name.access)


def _parsed(origins: Iterable[str], deployment: str) -> Iterator[LogName]:
    for origin in origins:
        with contextlib.suppress(MalformedError):
            name = LogName.parse(origin, deployment)
            if name.deployment == deployment:
                yield name
