"""Senders: tokens and client certificates, and where they are required."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.authentication import Presented
from server.access.bearer import bearer_of
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.errors import Denial, ForbiddenError, TokenError, UnauthenticatedError
from server.access.requirement import Authentication, needs_credentials
from server.access.sender_certificates import SenderCertificate, parse_sender_certificate, sender_of_certificate
from server.access.sender_check import SenderCheck
from server.access.senders import ANONYMOUS, Sender, SenderCredentials
from server.access.token_authenticator import TokenAuthenticator
from server.access.token_store import TokenStore
from server.access.token_text import digest_of, new_token
from server.access.token_uses import TokenUses
from server.access.tokens import Token, Tokens
from server.notary.errors import MalformedError
from server.notary.origin import Stream

NOW = 1_800_000_000.5
TEXT = new_token(lambda size: b"a" * size)
TOKEN = Token("checkout", digest_of(TEXT), tenant="acme")
LOGS = frozenset({Stream.AUDIT, Stream.OPERATIONAL})
CERTIFICATES = (
    SenderCertificate("URI:spiffe://shop/checkout", "checkout"),
    SenderCertificate("URI:spiffe://shop/*", "shop", "acme"),
    SenderCertificate("URI:spiffe://bank/*"),
)


def check(*tokens: Token, required: bool = True, used: list[str] | None = None) -> SenderCheck:
    return SenderCheck(
        required,
        lambda: Tokens(tokens),
        CERTIFICATES,
        used=lambda token, _: ([] if used is None else used).append(token),
        clock=lambda: NOW,
    )


def sender(
    checking: SenderCheck, *authorization: str, certificate: tuple[str, ...] = (), streams: frozenset[Stream] = LOGS
) -> Sender:
    return checking.sender(SenderCredentials(authorization, lambda: certificate), streams)


class TestBearer:
    """Reading of ``Authorization``."""

    @pytest.mark.parametrize("value", ["Bearer x", "bearer x", "BEARER  x ", "x", " x "])
    def test_a_token_may_stand_alone(self, value: str) -> None:
        assert bearer_of([value]) == "x"

    def test_a_repeated_value_is_one(self) -> None:
        assert bearer_of(["Bearer x", "Bearer x"]) == "x"
        assert bearer_of([]) == ""

    @pytest.mark.parametrize("values", [("Bearer x", "Bearer y"), ("Bearer x", ""), ("Basic eDp4",), ("Bearer",)])
    def test_anything_else_is_malformed(self, values: tuple[str, ...]) -> None:
        with pytest.raises(UnauthenticatedError) as caught:
            bearer_of(values)
        assert caught.value.denial is Denial.MALFORMED

    @given(st.lists(st.text(max_size=20), max_size=3))
    def test_no_value_does_anything_else(self, values: list[str]) -> None:
        try:
            found = bearer_of(values)
        except UnauthenticatedError:
            return
        assert found in "".join(values)


def test_a_token_gives_the_sender_its_name_and_tenant_and_is_noted() -> None:
    used: list[str] = []
    checking = check(TOKEN, used=used)
    assert sender(checking, f"Bearer {TEXT}") == Sender("token:checkout", "acme") == sender(checking, TEXT)
    assert used == [TOKEN.id, TOKEN.id]


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("given", [new_token(lambda size: b"b" * size), "x", "Bearer x", "Basic eDp4"])
def test_what_is_presented_is_checked_even_where_nothing_is_required(*, required: bool, given: str) -> None:
    with pytest.raises(UnauthenticatedError):
        sender(check(TOKEN, required=required), given)


def test_without_credentials_everybody_may_send_unless_they_are_required() -> None:
    assert sender(check(required=False)) == ANONYMOUS
    with pytest.raises(UnauthenticatedError) as caught:
        sender(check(required=True))
    assert caught.value.denial is Denial.MISSING


def test_a_token_without_the_role_may_not_send() -> None:
    with pytest.raises(ForbiddenError):
        sender(check(replace(TOKEN, grants=(Grant(Role.AUDITOR),))), TEXT)


@pytest.mark.parametrize(
    ("streams", "requested", "allowed"),
    [
        ({Stream.SPANS}, {Stream.SPANS}, True),
        ({Stream.AUDIT}, {Stream.AUDIT}, True),
        ({Stream.AUDIT}, LOGS, True),  # the rows are checked when they are known
        ({Stream.SPANS}, LOGS, False),
        ({Stream.AUDIT}, {Stream.SPANS}, False),
        ({Stream.OPERATIONAL}, {Stream.AUDIT}, False),
        ((), LOGS, False),
    ],
)
def test_a_request_for_other_streams_is_refused(streams: set[Stream], requested: set[Stream], *, allowed: bool) -> None:
    checking = check(replace(TOKEN, streams=frozenset(streams)))
    if allowed:
        assert sender(checking, TEXT, streams=frozenset(requested)).streams == frozenset(streams)
        return
    with pytest.raises(ForbiddenError, match="these credentials are not for records of the stream"):
        sender(checking, TEXT, streams=frozenset(requested))


class TestCertificates:
    """Senders that client certificates stand for."""

    @pytest.mark.parametrize(
        ("identities", "expected"),
        [
            (("URI:spiffe://shop/checkout",), Sender("certificate:checkout")),
            (("DNS:x", "URI:spiffe://shop/checkout"), Sender("certificate:checkout")),
            (("URI:spiffe://shop/billing",), Sender("certificate:shop", "acme")),
            (("URI:spiffe://bank/till",), Sender("certificate:URI:spiffe://bank/till")),
            (("URI:spiffe://shop/",), None),
            (("URI:spiffe://shop.example/checkout",), None),
            (("DNS:spiffe://shop/checkout",), None),
            ((), None),
        ],
    )
    def test_the_first_rule_that_matches_applies(self, identities: tuple[str, ...], expected: Sender | None) -> None:
        assert sender_of_certificate(CERTIFICATES, identities) == expected

    def test_a_certificate_is_as_good_as_a_token(self) -> None:
        certificate = ("URI:spiffe://shop/billing",)
        assert sender(check(), certificate=certificate) == Sender("certificate:shop", "acme")
        assert sender(check(TOKEN), TEXT, certificate=certificate).name == "token:checkout"

    def test_a_wrong_token_is_refused_whatever_the_certificate_is(self) -> None:
        with pytest.raises(UnauthenticatedError):
            sender(check(), "x", certificate=("URI:spiffe://shop/checkout",))

    def test_a_certificate_that_stands_for_nobody_is_nobody(self) -> None:
        with pytest.raises(UnauthenticatedError):
            sender(check(), certificate=("DNS:other",))
        assert sender(check(required=False), certificate=("DNS:other",)) == ANONYMOUS

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("DNS:a.example=a", SenderCertificate("DNS:a.example", "a")),
            ("URI:spiffe://shop/a = a @ acme", SenderCertificate("URI:spiffe://shop/a", "a", "acme")),
            ("URI:spiffe://shop/*=*", SenderCertificate("URI:spiffe://shop/*")),
            ("URI:x://y/?a=b=c", SenderCertificate("URI:x://y/?a=b", "c")),
        ],
    )
    def test_rules_are_read(self, text: str, expected: SenderCertificate) -> None:
        tenant = text.replace(" @ ", "@")
        assert parse_sender_certificate(tenant) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "=a",
            "DNS:a",
            "DNS:a=",
            "DNS:a=b@",
            "DNS:=a",
            "a.example=a",
            "DNS:a*=a",
            "DNS:a/*=a",
            "URI:spiffe://shop*=a",
            "URI:*=a",
            "URI:spiffe://*/x=a",
            "DNS:a=b c",
            "DNS:a=b@audit",
        ],
    )
    def test_rules_that_could_let_others_in_are_refused(self, text: str) -> None:
        with pytest.raises((ValueError, TokenError, MalformedError)):
            parse_sender_certificate(text)


@pytest.mark.parametrize(
    ("authentication", "local", "remote"),
    [(Authentication.AUTO, False, True), (Authentication.REQUIRED, True, True), (Authentication.OFF, False, False)],
)
def test_credentials_are_required_where_others_can_reach_a_port(
    authentication: Authentication, *, local: bool, remote: bool
) -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"):
        assert needs_credentials(authentication, host) is local
    for host in ("0.0.0.0", "::", "", "192.0.2.1", "logs.example", "localhost.example", "::ffff:192.0.2.1"):
        assert needs_credentials(authentication, host) is remote


class TestCallers:
    """Tokens as credentials of the API."""

    @pytest.fixture
    def authenticator(self, tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
        store = TokenStore(tmp_path / "tokens.json", TokenUses(tmp_path, "server"))
        token = replace(TOKEN, grants=(Grant(Role.AUDITOR, tenants=frozenset({"acme"})),))
        monkeypatch.setattr(store, "_tokens", Tokens((token,)))
        return TokenAuthenticator(store, lambda: NOW)

    async def test_a_caller_has_the_name_and_the_grants_of_its_token(self, authenticator: TokenAuthenticator) -> None:
        assert await authenticator.authenticate(Presented(bearer=TEXT, address="192.0.2.1")) == Caller(
            "checkout", CallerKind.TOKEN, (Grant(Role.AUDITOR, tenants=frozenset({"acme"})),), "192.0.2.1"
        )

    @pytest.mark.parametrize("bearer", ["", "eyJhbGciOiJub25lIn0.e30."])
    async def test_what_is_no_token_is_left_to_others(self, authenticator: TokenAuthenticator, bearer: str) -> None:
        assert await authenticator.authenticate(Presented(bearer=bearer)) is None

    @pytest.mark.parametrize("bearer", ["lgn_", TEXT + "x", new_token(lambda size: b"b" * size)])
    async def test_a_wrong_token_is_refused(self, authenticator: TokenAuthenticator, bearer: str) -> None:
        with pytest.raises(UnauthenticatedError):
            await authenticator.authenticate(Presented(bearer=bearer))
