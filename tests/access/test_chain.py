"""Authentication in several ways, and the credentials of calls."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from harness.certificates import client_names, new_authority
from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind
from server.access.chain import LOCAL_GRANTS, AuthenticationChain
from server.access.errors import Denial, UnauthenticatedError
from server.access.presenting import DIRECT, Presenting


class OfPrefix:
    """Knows the token ``<prefix>-good``, and refuses others that begin with the prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    async def authenticate(self, presented: Presented) -> Caller | None:
        if not presented.bearer.startswith(self.prefix):
            return None
        if presented.bearer != f"{self.prefix}-good":
            raise UnauthenticatedError(Denial.REVOKED)
        return Caller(self.prefix, CallerKind.TOKEN, (), presented.address)


BOTH = (OfPrefix("x"), OfPrefix("y"))


@pytest.mark.parametrize("required", [False, True])
async def test_the_first_authenticator_that_knows_a_credential_decides(required: bool) -> None:
    chain = AuthenticationChain(BOTH, required=lambda: required)
    assert (await chain.authenticate(Presented(bearer="y-good"))).name == "y"
    with pytest.raises(UnauthenticatedError) as refused:
        await chain.authenticate(Presented(bearer="x-other"))
    assert refused.value.denial is Denial.REVOKED


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("presented", [Presented(bearer="z"), Presented(session="z")])
async def test_a_credential_that_nobody_knows_is_refused_even_where_none_is_needed(
    required: bool, presented: Presented
) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        await AuthenticationChain(BOTH, required=lambda: required).authenticate(presented)
    assert refused.value.denial is Denial.UNKNOWN


async def test_without_credentials_callers_are_local_unless_credentials_are_required() -> None:
    nothing = Presented(address="127.0.0.1", headers={"x-forwarded-user": "admin"})
    local = await AuthenticationChain(BOTH, required=lambda: False).authenticate(nothing)
    assert local == Caller("local", CallerKind.LOCAL, LOCAL_GRANTS, "127.0.0.1")
    with pytest.raises(UnauthenticatedError) as refused:
        await AuthenticationChain(BOTH, required=lambda: True).authenticate(nothing)
    assert refused.value.denial is Denial.MISSING


def test_credentials_of_a_request_over_http() -> None:
    scope = {
        "headers": [
            (b"Authorization", b"Bearer  abc "),
            (b"cookie", b"other=1; session=s1"),
            (b"x-user", b"alice"),
            (b"X-User", b"bob"),
        ],
        "client": ("192.0.2.1", 4711),
        "state": {"lognotary.certificate": ("DNS:a.example",)},
    }
    assert Presenting("session").over_http(scope) == Presented(
        "abc", "s1", ("DNS:a.example",), {"x-user": "alice\0bob"}, "192.0.2.1", "192.0.2.1"
    )
    assert DIRECT.over_http(scope).session == ""


@pytest.mark.parametrize("cookies", [[b"s=1; s=2"], [b"s=1", b"s=2"], [b"s=1; s=1"]])
def test_a_session_that_is_there_twice_is_none(cookies: list[bytes]) -> None:
    assert Presenting("s").over_http({"headers": [(b"cookie", cookie) for cookie in cookies]}).session == ""


def test_credentials_of_a_call_over_grpc() -> None:
    metadata = (("authorization", "abc"), ("x-user", "alice"), ("trace-bin", b"\x01"))
    issued = new_authority().issue("client", client_names(dns=("a.example",)), client=True)
    context = {"peer_dns": [b"a.example"], "x509_pem_cert": [issued.certificate]}
    found = DIRECT.over_grpc(metadata, context, "ipv6:%5B2001:db8::1%5D:50000")
    assert found == Presented("abc", "", ("DNS:a.example",), {"x-user": "alice"}, "2001:db8::1", "2001:db8::1")


def test_the_address_of_a_caller_is_the_one_that_a_trusted_proxy_forwards() -> None:
    behind = Presenting(proxies=(ip_network("10.0.0.0/24"),))
    metadata = [("x-forwarded-for", "203.0.113.5")]
    scope = {"headers": [(b"X-Forwarded-For", b"203.0.113.5")], "client": ("10.0.0.7", 4711)}
    for found in (behind.over_http(scope), behind.over_grpc(metadata, {}, "ipv4:10.0.0.7:4711")):
        assert (found.address, found.peer) == ("203.0.113.5", "10.0.0.7")
    assert behind.address_over_http(scope) == behind.address_over_grpc(metadata, "ipv4:10.0.0.7:1") == "203.0.113.5"
    assert behind.address_over_grpc(metadata, "ipv4:192.0.2.1:1") == "192.0.2.1"
    assert DIRECT.address_over_http(scope) == "10.0.0.7"


@pytest.mark.parametrize("values", [["Bearer a", "Bearer b"], ["a", "b"], ["Basic abc"]])
def test_ambiguous_credentials_are_refused(values: list[str]) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        DIRECT.over_grpc([("authorization", value) for value in values], {}, "unix:")
    assert refused.value.denial is Denial.MALFORMED
