"""Settings that decide who gets in and what of it is on record, as texts without any secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from server.access.role_rules import RoleRule
from server.settings.setting import PORTS
from server.settings.settings import Settings

__all__ = ["access_summary"]


def access_summary(settings: Settings) -> Mapping[str, str]:
    """Return these settings by name, for the record of a start; those that are not used are left out.

    ``roles`` is a digest of the rules that grant roles: equal digests stand for equal rules, in whatever order.
    """
    login = settings.login
    found = {
        "access_log": settings.access_log,
        "authentication": settings.authentication.value,
        "administration": settings.administration,
        "public_tiles": _truth(settings.public_tiles),
        "insecure_listen": _truth(settings.insecure_listen),
        "trusted_proxies": _list(map(str, login.trusted_proxies)),
        "oidc_issuer": login.oidc.issuer if login.oidc else "",
        "oidc_audiences": _list(login.oidc.audiences) if login.oidc else "",
        "break_glass": "on" if login.break_glass_file else "",
        "roles": _digest(login.roles) if login.roles else "",
        "sender_certificates": str(len(settings.sender_certificates) or ""),
        "tls": _list(name for name in PORTS if name in settings.tls),
        **{name: str(getattr(settings, name)) for name in PORTS},
        "deployment": settings.deployment,
        "workers": str(settings.workers),
    }
    return {name: value for name, value in found.items() if value}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _list(values: Iterable[str]) -> str:
    return ",".join(values)


def _digest(rules: Iterable[RoleRule]) -> str:
    def limit(values: frozenset[str] | None) -> list[str] | None:
        return None if values is None else sorted(values)

    told = sorted(
        json.dumps(
            [
                list(rule.fact),
                rule.grant.role.value,
                limit(rule.grant.tenants),
                limit(rule.grant.services),
                limit(rule.grant.environments),
            ]
        )
        for rule in rules
    )
    return "sha256:" + hashlib.sha256("\n".join(told).encode()).hexdigest()
