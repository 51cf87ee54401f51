"""Settings of login: OpenID Connect, sessions, trusted proxies, the break-glass administrator, and rules of roles."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.access.break_glass import read_break_glass
from server.access.proxies import Network, ProxyHeaders
from server.access.requirement import is_loopback
from server.access.role_rules import CERTIFICATE, RoleRule
from server.errors.files import unreadable
from server.settings.regular_files import read_regular
from server.settings.role_rules import read_role_rules
from server.settings.secrets import FILE_SUFFIX, secret_of
from server.settings.sources import Sources
from server.settings.values import Address, read_duration, read_list

__all__ = ["LoginSettings", "OidcSettings", "read_login"]

_HEADER = re.compile(r"[a-z0-9-]*")
_LARGEST_SECRET = 4096  # bytes
_SECRET = "oidc_client_secret"  # noqa: S105 - the name of a setting
_NEEDS_ISSUER = (
    "oidc_client_id",
    _SECRET,
    _SECRET + FILE_SUFFIX,
    "oidc_audiences",
    "oidc_cli_client_id",
    "oidc_groups_url",
)


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Settings of an OpenID provider.

    Attributes:
        issuer: the issuer.
        client_id: ID of this server as a client of the provider.
        client_secret: its secret; empty for a public client.
        audiences: audiences of which a bearer token must have one.
        cli_client_id: ID of the client that ``lognotary login`` is.
        scopes: scopes that logins ask for.
        groups_claim: name of the claim with the groups.
        groups_url: URL that lists groups which a token leaves out; empty for none.
        ca_file: certificates of authorities that the provider's certificate may be of; None for the system's.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    audiences: tuple[str, ...]
    cli_client_id: str
    scopes: tuple[str, ...]
    groups_claim: str
    groups_url: str
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """Settings of login.

    Attributes:
        oidc: the OpenID provider; None if there is none.
        public_url: URL at which browsers reach the server, without a slash at the end.
        session_idle: seconds without use after which a session ends.
        session_age: seconds after the login at which a session ends.
        trusted_proxies: networks of proxies whose headers are believed; none if there is no proxy.
        proxy_headers: names of these headers.
        break_glass_file: file with the secret of the break-glass administrator; None if there is none.
        roles: rules that grant roles.
    """

    oidc: OidcSettings | None
    public_url: str
    session_idle: float
    session_age: float
    trusted_proxies: tuple[Network, ...]
    proxy_headers: ProxyHeaders
    break_glass_file: Path | None
    roles: tuple[RoleRule, ...]

    @property
    def has_own_credentials(self) -> bool:
        """Return whether the settings have credentials of the API, other than logins: a file, or certificates."""
        return self.break_glass_file is not None or any(rule.fact[0] == CERTIFICATE for rule in self.roles)

    @property
    def is_used(self) -> bool:
        """Return whether there is a way to log in: then every call needs credentials, also from this machine.

        A proxy on this machine passes on calls from elsewhere, also those of people who have not logged in.
        """
        return self.oidc is not None or bool(self.trusted_proxies)


def read_login(sources: Sources, http: Address | None, problems: list[str]) -> LoginSettings | None:
    """Return the settings of login, None if they cannot be used.

    Args:
        sources: the sources of all settings.
        http: address of the HTTP API, which is the default of ``public_url``; None if it cannot be used.
        problems: gets a sentence for each setting that cannot be used.
    """
    values = sources.values
    parsed: dict[str, Any] = {}
    for name, parser in _PARSERS.items():
        try:
            parsed[name] = parser(values[name].text)
        except ValueError as error:
            problems.append(f"{values[name].place}: {error}")
    roles = read_role_rules(sources.roles, problems)
    if len(parsed) < len(_PARSERS):
        return None
    wrong = [f"{values[name].place}: {problem}" for name, problem in _contradictions(parsed, http)]
    try:
        secret = secret_of(values, _SECRET).strip()
    except ValueError as error:
        wrong.append(f"{values[_SECRET + FILE_SUFFIX].place}: {error}")
    problems += wrong
    if wrong:
        return None
    client = parsed["oidc_client_id"]
    cli = parsed["oidc_cli_client_id"] or client
    oidc = OidcSettings(
        issuer=parsed["oidc_issuer"],
        client_id=client,
        client_secret=secret,
        audiences=tuple(dict.fromkeys((client, cli, *parsed["oidc_audiences"]))),
        cli_client_id=cli,
        scopes=tuple(dict.fromkeys(("openid", *parsed["oidc_scopes"]))),
        groups_claim=parsed["oidc_groups_claim"],
        groups_url=parsed["oidc_groups_url"],
        ca_file=parsed["oidc_ca_file"],
    )
    headers = ProxyHeaders(*(parsed[f"proxy_{name}_header"] for name in ("user", "groups", "email", "tenant")))
    return LoginSettings(
        oidc=oidc if oidc.issuer else None,
        public_url=parsed["public_url"] or (_local_url(http) if http else ""),
        session_idle=parsed["session_idle"],
        session_age=parsed["session_age"],
        trusted_proxies=parsed["trusted_proxies"],
        proxy_headers=headers,
        break_glass_file=parsed["break_glass_file"],
        roles=roles,
    )


def _contradictions(parsed: Mapping[str, Any], http: Address | None) -> Iterator[tuple[str, str]]:
    """Return the names of settings, each with what is wrong about it together with others."""
    if not parsed["oidc_issuer"]:
        for name in _NEEDS_ISSUER:
            if parsed[name]:
                yield name, "it has no effect without a provider: set oidc_issuer too"
    elif not parsed["oidc_client_id"]:
        yield "oidc_issuer", "the provider knows this server by an ID: set oidc_client_id too"
    elif http is not None and not parsed["public_url"] and not is_loopback(http.host):
        yield (
            "oidc_issuer",
            "the provider sends people back to this server: set public_url to the URL at which browsers reach it",
        )
    if parsed["trusted_proxies"] and not parsed["proxy_user_header"]:
        yield "proxy_user_header", "a trusted proxy names the user in it: give the name of a header"
    names = [parsed[f"proxy_{name}_header"] for name in ("user", "groups", "email", "tenant")]
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        yield "proxy_user_header", "two headers of trusted proxies have the same name: give each its own"


def _local_url(http: Address) -> str:
    return f"http://{http}"


def _read_url(text: str) -> str:
    url = text.strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        raise ValueError(f"{text!r} is not a URL") from None
    if parts.username is not None:
        raise ValueError("the URL must not contain a user name or a password")
    if not usable or not url.isprintable() or " " in url:
        raise ValueError(f"{text!r} is not the URL of a server, such as https://login.example/realms/shop")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(f"{text!r} must begin with https://; http:// is for this machine only, such as 127.0.0.1")
    return url


def _read_public_url(text: str) -> str:
    url = _read_url(text).rstrip("/")
    if url and urlsplit(url).path:
        raise ValueError(f"{text!r} must have no path: pages and the API are at the root, such as https://logs.example")
    return url


def _read_groups_url(text: str) -> str:
    _read_url(text.partition("?")[0])
    return text.strip()


def _read_networks(text: str) -> tuple[Network, ...]:
    networks = []
    for item in read_list(text):
        try:
            network = ip_network(item)
        except ValueError as error:
            raise ValueError(f"{item!r} is not a network or an address, such as 10.0.0.0/24 or 127.0.0.1") from error
        if network.prefixlen == 0:
            raise ValueError(f"{item} would let everybody be anybody: name the networks of the proxies only")
        networks.append(network)
    return tuple(networks)


def _read_header(text: str) -> str:
    name = text.strip().lower()
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{text!r} is not the name of a header, such as X-Forwarded-User")
    if name in ("authorization", "cookie", "host", "x-forwarded-for"):
        raise ValueError(f"{text!r} has another meaning: name a header that only the proxy sets")
    return name


def _read_secret(text: str) -> str:
    if not text.isprintable():
        raise ValueError("the secret has characters that cannot be printed")
    return text


def _check_secret_file(text: str) -> str:
    if not text:
        return text
    try:
        secret = read_regular(text, _LARGEST_SECRET).decode().strip()
        mode = Path(text).stat().st_mode
    except OSError as error:
        raise ValueError(unreadable(text, error)) from error
    except UnicodeDecodeError:
        secret, mode = "", 0
    if not secret.isprintable() or not secret:
        raise ValueError(f"{text} must have one line: the secret")
    if mode & stat.S_IRWXO:
        raise ValueError(f"{text} can be read by every user of this machine: run chmod 640 {text}")
    return text


def _read_break_glass_file(text: str) -> Path | None:
    if not text:
        return None
    read_break_glass(Path(text))
    return Path(text)


def _read_ca_file(text: str) -> Path | None:
    if text and not Path(text).is_file():
        raise ValueError(f"the file {text} does not exist")
    return Path(text) if text else None


def _read_name(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r} has characters that cannot be printed")
    return text.strip()


def _read_claim(text: str) -> str:
    if not (name := _read_name(text)):
        raise ValueError("give the name of the claim with the groups, such as groups")
    return name


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "oidc_issuer": _read_url,
    "oidc_client_id": _read_name,
    _SECRET: _read_secret,
    _SECRET + FILE_SUFFIX: _check_secret_file,
    "oidc_audiences": read_list,
    "oidc_cli_client_id": _read_name,
    "oidc_scopes": read_list,
    "oidc_groups_claim": _read_claim,
    "oidc_groups_url": _read_groups_url,
    "oidc_ca_file": _read_ca_file,
    "public_url": _read_public_url,
    "session_idle": read_duration,
    "session_age": read_duration,
    "trusted_proxies": _read_networks,
    "proxy_user_header": _read_header,
    "proxy_groups_header": _read_header,
    "proxy_email_header": _read_header,
    "proxy_tenant_header": _read_header,
    "break_glass_file": _read_break_glass_file,
}
