"""Settings of the limits of tenants."""

from __future__ import annotations

from collections.abc import Mapping

from server.access.tenants import check_tenant
from server.admission.tenant_limits import TenantLimits
from server.errors.suggestions import not_one_of
from server.notary.errors import MalformedError
from server.settings.sources import Given
from server.settings.values import read_count, read_list, read_size

__all__ = ["read_tenant_limits"]

_READERS = {"bytes": read_size, "records": read_count, "keys": read_count}


def read_tenant_limits(
    values: Mapping[str, Given], problems: list[str]
) -> tuple[TenantLimits, dict[str, TenantLimits]] | None:
    """Return the limits of all tenants, and those of tenants with limits of their own; None if something is wrong.

    Args:
        values: the values of the settings.
        problems: receives what is wrong, one sentence each.
    """
    known: dict[str, int] = {}
    before = len(problems)
    for name, read in _READERS.items():
        given = values[f"tenant_{name}"]
        try:
            if given.text:
                known[name] = read(given.text)
        except ValueError as error:
            problems.append(f"{given.place}: {error}")
    own: dict[str, TenantLimits] = {}
    given = values["tenant_limits"]
    for text in read_list(given.text):
        try:
            tenant, limits = _read_own(text)
        except (ValueError, MalformedError) as error:
            problems.append(f"{given.place}: {error}")
            continue
        if tenant in own:
            problems.append(f"{given.place}: the tenant {tenant!r} has limits already: write them together")
        own[tenant] = limits
    return None if len(problems) > before else (_limits(known), own)


def _read_own(text: str) -> tuple[str, TenantLimits]:
    tenant, *parts = text.split(":")
    known: dict[str, int] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if name not in _READERS:
            raise ValueError(f"{text!r}: {not_one_of(name, _READERS)}")
        if not equals or name in known:
            raise ValueError(f"{text!r}: write each limit once, such as {name}=100")
        known[name] = _READERS[name](value)
    return check_tenant(tenant) if tenant else "", _limits(known)


def _limits(known: Mapping[str, int]) -> TenantLimits:
    return TenantLimits(known.get("bytes"), known.get("records"), known.get("keys"))
