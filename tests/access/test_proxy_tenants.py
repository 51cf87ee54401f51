"""Tenants that trusted proxies name for the records that pass through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from server.access.errors import Denial, ForbiddenError, UnauthenticatedError
from server.access.proxy_tenants import ProxyTenants
from server.access.sender_certificates import SenderCertificate
from server.access.sender_check import SenderCheck
from server.access.senders import ANONYMOUS, Sender, SenderCredentials
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token, Tokens
from server.notary.errors import MalformedError
from server.notary.origin import Stream

PROXY, ELSEWHERE = "10.0.0.7", "10.0.1.7"
PROXIES = ProxyTenants((ip_network("10.0.0.0/24"),), "x-scope-orgid")


def text_of(fill: bytes) -> str:
    return new_token(lambda size: fill * size)


BOUND, FREE, SPANS, UNKNOWN = text_of(b"a"), text_of(b"b"), text_of(b"c"), text_of(b"d")
TOKENS = Tokens(
    (
        Token("bound", digest_of(BOUND), tenant="acme"),
        Token("free", digest_of(FREE)),
        Token("spans", digest_of(SPANS), streams=frozenset({Stream.SPANS})),
    )
)
CHECK = SenderCheck(
    required=True,
    tokens=lambda: TOKENS,
    certificates=(SenderCertificate("URI:spiffe://shop/*", "shop", "acme"), SenderCertificate("URI:x", "x")),
    proxies=PROXIES,
)


def sender(
    *named: str,
    address: str = PROXY,
    token: str = "",
    certificate: tuple[str, ...] = (),
    check: SenderCheck = CHECK,
    others: dict[str, Sequence[str]] | None = None,
) -> Sender:
    headers = {"x-scope-orgid": named} | (others or {})
    credentials = SenderCredentials(
        [token] if token else [], lambda: certificate, lambda name: headers.get(name, ()), lambda: address
    )
    return check.sender(credentials, frozenset({Stream.AUDIT, Stream.OPERATIONAL}))


def test_a_trusted_proxy_names_the_tenant_and_needs_no_other_credentials() -> None:
    assert sender("acme") == Sender("proxy", "acme")
    assert sender(" acme ") == Sender("proxy", "acme")


def test_each_tenant_of_a_proxy_has_a_fair_share_of_its_own() -> None:
    assert sender("acme").client != sender("umbrella").client
    assert sender("acme", token=FREE).client == sender("umbrella", token=FREE).client == "token:free"
    assert ANONYMOUS.client == ""


def test_credentials_without_a_tenant_keep_their_name_and_get_that_of_the_header() -> None:
    assert sender("acme", token=FREE) == Sender("token:free", "acme")
    assert sender("acme", certificate=("URI:x",)) == Sender("certificate:x", "acme")


def test_a_tenant_of_credentials_counts_and_the_header_may_only_agree() -> None:
    assert sender("acme", token=BOUND) == sender(token=BOUND) == Sender("token:bound", "acme")
    with pytest.raises(ForbiddenError, match="another tenant"):
        sender("umbrella", token=BOUND)
    with pytest.raises(ForbiddenError, match="another tenant"):
        sender("umbrella", certificate=("URI:spiffe://shop/till",))


@pytest.mark.parametrize("named", [(), ("acme",), ("acme", "acme"), ("a/b",)])
@pytest.mark.parametrize("address", [PROXY, ELSEWHERE])
def test_wrong_credentials_are_wrong_whatever_the_header_says(named: tuple[str, ...], address: str) -> None:
    with pytest.raises(UnauthenticatedError):
        sender(*named, address=address, token=UNKNOWN)


def test_a_proxy_that_names_no_tenant_is_a_sender_like_others() -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        sender()
    assert caught.value.denial is Denial.MISSING
    assert sender(check=replace(CHECK, required=False)) == ANONYMOUS


@pytest.mark.parametrize(
    "named", [("acme", "acme"), ("acme", "umbrella"), ("acme, umbrella",), ("",), (" ",), ("a/b",), ("audit",), ("*",)]
)
@pytest.mark.parametrize("token", ["", FREE, BOUND])
def test_a_header_that_names_no_tenant_or_several_is_refused(named: tuple[str, ...], token: str) -> None:
    with pytest.raises(MalformedError):
        sender(*named, token=token)


@pytest.mark.parametrize("address", [ELSEWHERE, "", "unix", "::1", "10.0.0.7.example", "2001:db8::a00:7"])
def test_nobody_else_may_name_a_tenant(address: str) -> None:
    with pytest.raises(UnauthenticatedError):
        sender("acme", address=address)
    for named in (("acme",), ("acme", "acme"), ("acme", ""), ("a/b",)):
        with pytest.raises(ForbiddenError, match="trusted proxies only"):
            sender(*named, address=address, token=FREE)
        with pytest.raises(ForbiddenError, match="trusted proxies only"):
            sender(*named, address=address, check=replace(CHECK, required=False))
    with pytest.raises(ForbiddenError, match="trusted proxies only"):
        sender("umbrella", address=address, token=BOUND)


def test_everybody_may_name_the_tenant_that_the_credentials_have_anyway() -> None:
    assert sender("acme", address=ELSEWHERE, token=BOUND) == Sender("token:bound", "acme")
    assert sender("acme", "acme", address=ELSEWHERE, token=BOUND) == Sender("token:bound", "acme")
    assert sender("", address=ELSEWHERE, token=FREE) == Sender("token:free")


def test_an_address_that_somebody_forwards_is_not_believed() -> None:
    others: dict[str, Sequence[str]] = {"x-forwarded-for": [PROXY], "forwarded": [f"for={PROXY}"]}
    with pytest.raises(UnauthenticatedError):
        sender("acme", address=ELSEWHERE, others=others)
    assert sender("acme", others={"x-forwarded-for": [ELSEWHERE]}) == Sender("proxy", "acme")


def test_an_address_of_ipv4_in_ipv6_is_the_same_address() -> None:
    assert sender("acme", address=f"::ffff:{PROXY}") == Sender("proxy", "acme")


@pytest.mark.parametrize(
    "connection",
    [("X-Scope-OrgID",), ("keep-alive, x-scope-orgid",), ("close", "X-SCOPE-ORGID"), (" X-Scope-OrgID ,te",)],
)
@pytest.mark.parametrize("named", [(), ("acme",)])
def test_a_request_that_has_a_proxy_remove_the_tenant_is_refused(
    connection: tuple[str, ...], named: tuple[str, ...]
) -> None:
    for token in ("", FREE, BOUND):
        with pytest.raises(MalformedError, match="Connection"):
            sender(*named, token=token, others={"connection": connection})
    with pytest.raises(UnauthenticatedError):
        sender(*named, token=UNKNOWN, others={"connection": connection})
    assert sender("acme", others={"connection": ["keep-alive, TE"]}) == Sender("proxy", "acme")
    assert sender(token=BOUND, check=replace(CHECK, proxies=None), others={"connection": connection}).tenant == "acme"


def test_streams_of_a_token_apply_behind_a_proxy_too() -> None:
    with pytest.raises(ForbiddenError, match="records of the stream"):
        sender("acme", token=SPANS)


def test_without_trusted_proxies_no_header_is_even_read() -> None:
    def unread(_: str) -> Sequence[str]:
        raise AssertionError("the header was read")

    check = replace(CHECK, proxies=None)
    credentials = SenderCredentials([BOUND], header=unread)
    assert check.sender(credentials, frozenset({Stream.AUDIT})) == Sender("token:bound", "acme")
    with pytest.raises(UnauthenticatedError):
        check.sender(SenderCredentials([], header=unread), frozenset({Stream.AUDIT}))


def test_a_proxy_may_not_name_more_tenants_than_there_may_be_but_credentials_may_have_any() -> None:
    full = replace(CHECK, proxies=replace(PROXIES, has_room=lambda tenant: tenant == "old", most=1))
    assert sender("old", check=full) == Sender("proxy", "old")
    assert sender("acme", token=BOUND, check=full) == Sender("token:bound", "acme")
    for token in ("", FREE):
        with pytest.raises(ForbiddenError, match="the server has 1 tenants, as many as it may have"):
            sender("acme", token=token, check=full)
