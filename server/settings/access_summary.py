"""Settings that decide who gets in and what of it is on record, as texts without any secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields

from server.access.proxies import ProxyHeaders
from server.access.role_rules import RoleRule
from server.settings.setting import PORTS
from server.settings.settings import Settings
from server.settings.tenant_rules import TenantRule

__all__ = ["access_summary"]


def access_summary(settings: Settings) -> Mapping[str, str]:
    """Return these settings by name, for the record of a start; those that are not used are left out.

    ``roles``, ``sender_certificates`` and ``tenants`` are digests: equal ones stand for equal rules, in whatever order;
    but the order of sender certificates counts, because the first one that matches applies.
    """
    login = settings.login
    headers = login.proxy_headers if login.trusted_proxies else ProxyHeaders("", "", "", "")
    client_cas = {name: files for name, files in settings.tls.items() if files.client_ca is not None}
    found = {
        "access_log": settings.access_log,
        "authentication": settings.authentication.value,
        "administration": settings.administration,
        "public_tiles": _truth(settings.public_tiles),
        "insecure_listen": _truth(settings.insecure_listen),
        "trusted_proxies": _list(map(str, login.trusted_proxies)),
        **{f"proxy_{each.name}_header": getattr(headers, each.name) for each in fields(ProxyHeaders)},
        "max_tenants": str(settings.max_tenants) if headers.tenant else "",
        "public_url": login.public_url,
        "oidc_issuer": login.oidc.issuer if login.oidc else "",
        "oidc_client_id": login.oidc.client_id if login.oidc else "",
        "oidc_audiences": _list(login.oidc.audiences) if login.oidc else "",
        "oidc_groups_claim": login.oidc.groups_claim if login.oidc else "",
        "oidc_groups_url": login.oidc.groups_url if login.oidc else "",
        "break_glass": "on" if login.break_glass_file else "",
        "roles": _digest(sorted(map(_rule_text, login.roles))),
        "tokens_file": str(settings.tokens_file or ""),
        "sender_certificates": _digest(json.dumps(astuple(each)) for each in settings.sender_certificates),
        "tenants": _digest(sorted(map(_tenant_text, settings.tenants))),
        "tls": _list(name for name in PORTS if name in settings.tls),
        "tls_client_ca": _list(f"{name}={files.client_ca}" for name, files in client_cas.items()),
        "tls_client_certificates": _list(
            f"{name}={'required' if files.requires_client else 'optional'}" for name, files in client_cas.items()
        ),
        **{name: str(getattr(settings, name)) for name in PORTS},
        "deployment": settings.deployment,
        "workers": str(settings.workers),
    }
    return {name: value for name, value in found.items() if value}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _list(values: Iterable[str]) -> str:
    return ",".join(values)


def _digest(texts: Iterable[str]) -> str:
    """Return the digest of texts without line breaks; empty if there are none."""
    told = "\n".join(texts)
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}" if told else ""


def _rule_text(rule: RoleRule) -> str:
    limits = (rule.grant.tenants, rule.grant.services, rule.grant.environments)
    sets = [None if limit is None else sorted(limit) for limit in limits]
    return json.dumps([list(rule.fact), rule.grant.role.value, *sets])


def _tenant_text(rule: TenantRule) -> str:
    witnesses = [[str(witness.key), witness.url] for witness in rule.witnesses]
    return json.dumps([rule.name, rule.own_key, rule.timestamps, witnesses])
