"""Trusted proxies, and attacks beside them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.chain import AuthenticationChain
from server.access.errors import UnauthenticatedError
from server.access.proxies import ProxyAuthenticator, ProxyHeaders, client_address, join_headers
from server.access.role_rules import EMAIL, GROUP, SUBJECT, RoleRule

NETWORKS = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
RULES = (
    RoleRule((GROUP, "ops"), Grant(Role.OPERATOR)),
    RoleRule((GROUP, "shop"), Grant(Role.VIEWER, tenants=frozenset({"shop", "depot"}))),
    RoleRule((EMAIL, "ada@example.com"), Grant(Role.AUDITOR)),
    RoleRule((SUBJECT, "root"), Grant(Role.ADMIN)),
)
PROXIES = ProxyAuthenticator(NETWORKS, ProxyHeaders(), RULES)


class ByToken:
    """Authenticator of one administrator."""

    async def authenticate(self, presented: Presented) -> Caller | None:
        return Caller("admin", CallerKind.TOKEN, (Grant(Role.ADMIN),)) if presented.bearer else None


CHAIN = AuthenticationChain((PROXIES, ByToken()), required=lambda: True, restrict=PROXIES.restrict)


def presented(address: str, *headers: tuple[str, str]) -> Presented:
    joined = join_headers(headers)
    return Presented(headers=joined, address=client_address(address, joined, NETWORKS), peer=address)


async def test_a_trusted_proxy_names_the_user_and_the_groups() -> None:
    caller = await PROXIES.authenticate(
        presented(
            "10.0.0.7",
            ("X-Forwarded-User", "ada"),
            ("X-Forwarded-Groups", "ops, shop"),
            ("X-Forwarded-Email", "Ada@Example.com"),
            ("X-Forwarded-For", "192.0.2.9"),
        )
    )
    shop = Grant(Role.VIEWER, tenants=frozenset({"shop", "depot"}))
    granted = (Grant(Role.OPERATOR), shop, Grant(Role.AUDITOR))
    assert caller == Caller("ada", CallerKind.PROXY, granted, "192.0.2.9")


@pytest.mark.parametrize("address", ["10.0.1.7", "192.0.2.1", "::1", "", "unix", "10.0.0.7.example", "fd00:0:0:1::1"])
@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-User", "root"),
        ("x-forwarded-groups", "ops"),
        ("X-FORWARDED-EMAIL", "a@b"),
        ("X-Scope-OrgID", "a"),
        ("X-Forwarded-User", ""),
    ],
)
async def test_such_headers_from_elsewhere_are_refused(address: str, header: tuple[str, str]) -> None:
    with pytest.raises(UnauthenticatedError):
        await PROXIES.authenticate(presented(address, header))


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7", "fd00::1%eth0"])
async def test_an_address_may_be_written_in_other_ways(address: str) -> None:
    assert await PROXIES.authenticate(presented(address, ("X-Forwarded-User", "ada")))


async def test_without_such_headers_other_authenticators_are_tried() -> None:
    assert await PROXIES.authenticate(presented("192.0.2.1", ("X-Other", "x"))) is None
    assert await PROXIES.authenticate(presented("192.0.2.1", ("Connection", "keep-alive, TE"))) is None
    assert await PROXIES.authenticate(presented("10.0.0.7", ("X-Forwarded-For", "192.0.2.1"))) is None


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-User", "mallory"), ("X-Forwarded-User", "ada")],
        [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "ops"), ("X-Forwarded-Groups", "shop")],
        [("X-Forwarded-Groups", "ops")],
        [("X-Forwarded-User", "a\x1b[2J")],
        [("X-Forwarded-User", "a" * 257)],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", "../shop")],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", "a|b")],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", "audit")],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", "")],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", " ")],
        [("X-Forwarded-User", "ada"), ("Connection", "keep-alive, X-Scope-OrgID")],
        [("X-Forwarded-User", "ada"), ("Connection", "x-forwarded-groups"), ("Connection", "close")],
        [("X-Forwarded-User", "ada"), ("Connection", "X-Forwarded-For")],
        [("Connection", "close,X-FORWARDED-USER")],
        [("X-Forwarded-User", "ada"), ("X-Scope-OrgID", "shop"), ("X-Scope-OrgID", "depot")],
    ],
)
async def test_headers_that_are_ambiguous_or_cannot_be_are_refused(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(UnauthenticatedError):
        await CHAIN.authenticate(presented("10.0.0.7", *headers))


@pytest.mark.parametrize(
    ("tenant", "grants"),
    [
        ("shop", [Grant(Role.OPERATOR, frozenset({"shop"})), Grant(Role.VIEWER, frozenset({"shop"}))]),
        ("other", [Grant(Role.OPERATOR, frozenset({"other"}))]),
    ],
)
async def test_the_tenant_of_a_request_limits_what_is_granted(tenant: str, grants: list[Grant]) -> None:
    groups = ("X-Forwarded-Groups", "ops,shop")
    caller = await CHAIN.authenticate(
        presented("10.0.0.7", ("X-Forwarded-User", "bob"), groups, ("X-Scope-OrgID", tenant))
    )
    assert list(caller.grants) == grants


async def test_the_tenant_that_a_proxy_names_limits_callers_with_credentials_of_their_own() -> None:
    everything = await CHAIN.authenticate(replace(presented("10.0.0.7"), bearer="of admin"))
    assert everything.grants == (Grant(Role.ADMIN),)
    limited = await CHAIN.authenticate(replace(presented("10.0.0.7", ("X-Scope-OrgID", "shop")), bearer="of admin"))
    assert limited.grants == (Grant(Role.ADMIN, frozenset({"shop"})),)
    for tenant in ("../shop", "audit", "shop\0depot", "", " "):
        with pytest.raises(UnauthenticatedError):
            await CHAIN.authenticate(replace(presented("10.0.0.7", ("X-Scope-OrgID", tenant)), bearer="of admin"))
    with pytest.raises(UnauthenticatedError):
        await CHAIN.authenticate(replace(presented("192.0.2.1", ("X-Scope-OrgID", "shop")), bearer="of admin"))


async def test_a_tenant_without_logs_that_a_proxy_names_is_unknown() -> None:
    proxies = ProxyAuthenticator(NETWORKS, ProxyHeaders(), RULES, has_logs=lambda tenant: tenant == "shop")
    everything, bound = (Grant(Role.ADMIN, tenants) for tenants in (None, frozenset({"new"})))
    for grants, tenant, unknown in (
        ((everything,), "shop", ""),
        ((everything,), "ghost", "ghost"),
        ((everything, bound), "new", "new"),
        ((bound,), "new", ""),  # a token of this tenant, which has sent nothing yet
        ((bound,), "ghost", "ghost"),
    ):
        caller = Caller("bob", CallerKind.TOKEN, grants)
        restricted = proxies.restrict(presented("10.0.0.7", ("X-Scope-OrgID", tenant)), caller)
        assert restricted.unknown_tenant == unknown
    assert proxies.restrict(presented("10.0.0.7"), caller) == caller


async def test_without_a_header_for_tenants_none_limits_anybody() -> None:
    proxies = ProxyAuthenticator(NETWORKS, ProxyHeaders(tenant=""), RULES)
    caller = Caller("bob", CallerKind.TOKEN, (Grant(Role.ADMIN),))
    assert proxies.restrict(presented("10.0.0.7", ("X-Scope-OrgID", "shop")), caller) == caller


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "203.0.113.5", "192.0.2.1"),
        ("10.0.0.7", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.7", "1.1.1.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.7", "1.1.1.1, 203.0.113.5, 10.0.0.8", "203.0.113.5"),
        ("10.0.0.7", "10.0.0.9, 10.0.0.8", "10.0.0.9"),
        ("10.0.0.7", "203.0.113.5, garbage, 10.0.0.8", "10.0.0.8"),
        ("10.0.0.7", "203.0.113.5:4711", "203.0.113.5"),
        ("10.0.0.7", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.7", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", ",".join(["10.0.0.8"] * 5000), "10.0.0.8"),
    ],
)
def test_the_address_of_a_caller_is_the_last_one_that_no_trusted_proxy_has(
    peer: str, forwarded: str, address: str
) -> None:
    assert client_address(peer, {"x-forwarded-for": forwarded}, NETWORKS) == address


def test_the_address_may_be_in_several_headers() -> None:
    headers = (("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.5"))
    assert client_address("10.0.0.7", join_headers(headers), NETWORKS) == "203.0.113.5"
