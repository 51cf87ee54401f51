"""Trusted proxies, which authenticate people and tell the server in headers who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant
from server.access.errors import Denial, UnauthenticatedError
from server.access.networks import parse_ip
from server.access.role_rules import EMAIL, GROUP, SUBJECT, Fact, RoleRule, grants_of
from server.access.tenants import check_tenant
from server.notary.errors import MalformedError

__all__ = ["Network", "ProxyAuthenticator", "ProxyHeaders", "client_address", "is_in", "is_removed", "join_headers"]

Network = IPv4Network | IPv6Network

_FORWARDED_FOR = "x-forwarded-for"
_TWICE = "\0"  # between the values of a header that was sent twice: no header can contain it
_LONGEST_NAME = 256  # characters
_MOST_GROUPS = 10_000
_MOST_HOPS = 50


@dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """Lower-case names of the headers that a trusted proxy sets; an empty name for a header that is not used.

    Attributes:
        user: header with the name of the user.
        groups: header with the groups, separated by commas.
        email: header with the e-mail address.
        tenant: header with the tenant that the caller's rights are limited to, whoever the caller is.
    """

    user: str = "x-forwarded-user"
    groups: str = "x-forwarded-groups"
    email: str = "x-forwarded-email"
    tenant: str = "x-scope-orgid"

    def names(self) -> tuple[str, ...]:
        """Return the names of the headers that are used."""
        return tuple(name for name in (self.user, self.groups, self.email, self.tenant) if name)


class ProxyAuthenticator:
    """Authenticator of people by the headers of a trusted proxy.

    It must be tried before others, because it refuses such headers from elsewhere, whatever else was presented.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        headers: ProxyHeaders,
        rules: Sequence[RoleRule],
        has_logs: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Believe headers from some networks.

        Args:
            networks: networks of the trusted proxies.
            headers: names of the headers.
            rules: rules that grant roles.
            has_logs: function that returns whether a tenant has logs; it does not block.
        """
        self._networks = networks
        self._headers = headers
        self._rules = rules
        self._has_logs = has_logs

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return the user that a trusted proxy names, None if there is no header with a user.

        Raises:
            UnauthenticatedError: the headers do not come from a trusted proxy, or have values that cannot be.
        """
        given = {name: presented.headers[name] for name in self._headers.names() if name in presented.headers}
        if given and not is_in(presented.peer, self._networks):
            raise UnauthenticatedError(Denial.FORBIDDEN)
        if is_removed(presented.headers.get("connection", "").split(_TWICE), (*self._headers.names(), _FORWARDED_FOR)):
            raise UnauthenticatedError(Denial.MALFORMED)
        if any(not value.isprintable() for value in given.values()):
            raise UnauthenticatedError(Denial.MALFORMED)
        user = given.get(self._headers.user, "").strip()
        if not user:
            if given.keys() - {self._headers.tenant}:  # groups of nobody: the proxy is not set up as it should be
                raise UnauthenticatedError(Denial.MALFORMED)
            return None
        email = given.get(self._headers.email, "").strip()
        groups = [group.strip() for group in given.get(self._headers.groups, "").split(",")]
        if len(user) > _LONGEST_NAME or len(groups) > _MOST_GROUPS:
            raise UnauthenticatedError(Denial.MALFORMED)
        facts: set[Fact] = {(SUBJECT, user), *((GROUP, group) for group in groups if group)}
        if email:
            facts.add((EMAIL, email.lower()))
        return Caller(user, CallerKind.PROXY, grants_of(self._rules, frozenset(facts)), presented.address)

    def restrict(self, presented: Presented, caller: Caller) -> Caller:
        """Return a caller with the rights that are left in the tenant that a trusted proxy names.

        The proxy limits whatever passes through it, by which credentials ever the caller is known. An empty name is no
        limit and not the default tenant either, but a proxy that does not know whose request it passes on.

        Args:
            presented: what the caller presents, which ``authenticate`` has not refused.
            caller: the caller.

        Raises:
            UnauthenticatedError: the name of the tenant cannot be one.
        """
        name = self._headers.tenant
        if not name or name not in presented.headers:
            return caller
        tenant = _checked(presented.headers[name].strip())
        limited = _limited_to(caller.grants, tenant)
        # What rights are limited to without the proxy is a tenant because an administrator said so, even without logs.
        unknown = "" if limited == caller.grants or self._has_logs(tenant) else tenant
        return replace(caller, grants=limited, unknown_tenant=unknown)


def client_address(peer: str, headers: Mapping[str, str], networks: Sequence[Network]) -> str:
    """Return the IP address of a caller: the peer of the connection, or the one that trusted proxies forward.

    ``X-Forwarded-For`` is read from right to left, since each proxy adds the address that it was called from, and
    callers may send anything before that.

    Args:
        peer: IP address of the peer.
        headers: headers of the call, by lower-case names.
        networks: networks of the trusted proxies.
    """
    address = peer
    hops = headers.get(_FORWARDED_FOR, "").replace(_TWICE, ",").rsplit(",", _MOST_HOPS)
    while hops and is_in(address, networks):
        known = parse_ip(_without_port(hops.pop().strip()))
        if known is None:
            break
        address = str(known)
    return address


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Return whether an IP address is in one of some networks."""
    known = parse_ip(address)
    return known is not None and any(known in network for network in networks)


def is_removed(connection: Iterable[str], names: Iterable[str]) -> bool:
    """Return whether the header ``Connection`` names a header that a proxy sets.

    A proxy removes what the header names from a request (RFC 9110, section 7.6.1), so a client could have it remove
    what it has just set: the tenant, say, that the rights of the user are limited to.

    Args:
        connection: all values of the header ``Connection``.
        names: lower-case names of headers that a proxy sets.
    """
    removed = {name.strip().lower() for value in connection for name in value.split(",")}
    return not removed.isdisjoint(names)


def join_headers(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers by lower-case name, so that one that was sent twice cannot be taken for one that was sent once."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        joined[key] = f"{joined[key]}{_TWICE}{value}" if key in joined else value
    return joined


def _checked(tenant: str) -> str:
    try:
        return check_tenant(tenant)
    except MalformedError as error:
        raise UnauthenticatedError(Denial.MALFORMED) from error


def _limited_to(grants: Iterable[Grant], tenant: str) -> tuple[Grant, ...]:
    return tuple(
        replace(grant, tenants=frozenset((tenant,)))
        for grant in grants
        if grant.tenants is None or tenant in grant.tenants
    )


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
