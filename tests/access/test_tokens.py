"""Tokens: which are valid, and how they are created, replaced and revoked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.callers import Grant, Role
from server.access.errors import Denial, TokenError, UnauthenticatedError
from server.access.token_text import digest_of, new_token
from server.access.tokens import NO_TOKENS, Token, Tokens, check_token_name

NOW = 1_800_000_000
HOUR = 3600
TEXT, OTHER = new_token(lambda size: b"a" * size), new_token(lambda size: b"b" * size)
TOKEN = Token("checkout", digest_of(TEXT), created=NOW)


def denial(tokens: Tokens, text: str, now: float = NOW) -> Denial:
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.check(text, now)
    assert str(caught.value) == "valid credentials are required"
    return caught.value.denial


def test_a_token_is_found_by_its_text() -> None:
    tokens = Tokens((Token("billing", digest_of(OTHER)), TOKEN))
    assert tokens.check(TEXT, NOW) == TOKEN
    assert tokens.check(OTHER, NOW).name == "billing"


def test_another_token_is_unknown() -> None:
    assert denial(Tokens((TOKEN,)), OTHER) is Denial.UNKNOWN
    assert denial(NO_TOKENS, TEXT) is Denial.UNKNOWN


@pytest.mark.parametrize(
    "text", ["", TEXT[:-1], TEXT + "0", TEXT[:-1] + "_", "x" * len(TEXT), TEXT.swapcase()], ids=range(6)
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    assert denial(Tokens((TOKEN,)), text) is Denial.MALFORMED


@given(st.text(max_size=100) | st.text(min_size=53, max_size=53))
def test_no_other_text_is_accepted(text: str) -> None:
    assert denial(Tokens((TOKEN,)), text) is Denial.MALFORMED


def test_a_token_expires() -> None:
    tokens = Tokens((replace(TOKEN, expires=NOW + HOUR),))
    assert tokens.check(TEXT, NOW + HOUR - 1)
    assert denial(tokens, TEXT, NOW + HOUR) is Denial.EXPIRED


def test_a_revoked_token_is_refused_even_if_it_had_expired() -> None:
    tokens, revoked = Tokens((replace(TOKEN, expires=NOW + HOUR),)).revoked("checkout", NOW)
    assert [token.name for token in revoked] == ["checkout"]
    assert denial(tokens, TEXT) is Denial.REVOKED
    assert denial(tokens, TEXT, NOW + 2 * HOUR) is Denial.REVOKED


def test_a_refusal_names_the_token_for_records_only_if_the_server_knows_it() -> None:
    tokens, _ = Tokens((TOKEN,)).revoked("checkout", NOW)
    named = []
    for text in (TEXT, OTHER):
        with pytest.raises(UnauthenticatedError) as caught:
            tokens.check(text, NOW)
        assert "checkout" not in str(caught.value)
        named.append(caught.value.token)
    assert named == [f"checkout ({TOKEN.id})", ""]


def test_the_text_is_not_kept() -> None:
    assert TEXT not in repr(Tokens((TOKEN,)))


def test_a_name_has_one_valid_token() -> None:
    tokens = NO_TOKENS.created(TOKEN, NOW)
    with pytest.raises(TokenError, match="tokens rotate checkout"):
        tokens.created(Token("checkout", digest_of(OTHER)), NOW)


def test_a_name_can_be_used_again_after_its_token_was_revoked() -> None:
    tokens, _ = NO_TOKENS.created(TOKEN, NOW).revoked(TOKEN.id, NOW)
    tokens = tokens.created(Token("checkout", digest_of(OTHER), created=NOW), NOW)
    assert tokens.check(OTHER, NOW).name == "checkout"
    assert denial(tokens, TEXT) is Denial.REVOKED


class TestRotation:
    """Replacement of a token by another one of the same name."""

    def test_both_are_valid_until_the_old_one_is_revoked(self) -> None:
        tokens = Tokens((TOKEN,)).rotated("checkout", digest_of(OTHER), NOW + 10, None)
        assert tokens.check(TEXT, NOW + HOUR * 1000)
        assert tokens.check(OTHER, NOW + HOUR * 1000)
        tokens, _ = tokens.revoked(TOKEN.id, NOW + 20)
        assert denial(tokens, TEXT, NOW + 20) is Denial.REVOKED
        assert tokens.check(OTHER, NOW + 20).created == NOW + 10

    def test_with_an_overlap_the_old_one_expires(self) -> None:
        tokens = Tokens((TOKEN,)).rotated("checkout", digest_of(OTHER), NOW, HOUR)
        assert tokens.check(TEXT, NOW + HOUR - 1)
        assert denial(tokens, TEXT, NOW + HOUR) is Denial.EXPIRED
        assert tokens.check(OTHER, NOW + HOUR).expires is None

    def test_an_overlap_does_not_prolong_the_old_one(self) -> None:
        old = replace(TOKEN, expires=NOW + 10)
        tokens = Tokens((old,)).rotated("checkout", digest_of(OTHER), NOW, HOUR)
        assert denial(tokens, TEXT, NOW + 10) is Denial.EXPIRED

    def test_the_new_one_has_the_roles_and_limits_of_the_old_one(self) -> None:
        old = replace(TOKEN, grants=(Grant(Role.VIEWER),), tenant="acme", expires=NOW + HOUR)
        new = Tokens((old,)).rotated("checkout", digest_of(OTHER), NOW + 10, None).check(OTHER, NOW + 10)
        assert (new.grants, new.tenant, new.expires) == (old.grants, "acme", NOW + 10 + HOUR)

    def test_no_third_one_is_valid(self) -> None:
        tokens = Tokens((TOKEN,)).rotated("checkout", digest_of(OTHER), NOW, HOUR)
        with pytest.raises(TokenError, match=f"tokens revoke {TOKEN.id}"):
            tokens.rotated("checkout", digest_of(new_token()), NOW, None)
        assert tokens.rotated("checkout", digest_of(new_token()), NOW + HOUR, None)

    def test_there_must_be_a_valid_one(self) -> None:
        with pytest.raises(TokenError, match="no valid token 'checkout'"):
            NO_TOKENS.rotated("checkout", digest_of(OTHER), NOW, None)


def test_a_token_is_revoked_also_where_the_clock_is_behind() -> None:
    tokens, _ = Tokens((TOKEN,)).revoked("checkout", NOW)
    with pytest.raises(UnauthenticatedError) as refusal:
        tokens.check(TEXT, NOW - HOUR)
    assert refusal.value.denial is Denial.REVOKED
    assert tokens.valid("checkout", NOW - HOUR) == ()


def test_all_tokens_of_a_name_are_revoked() -> None:
    tokens = Tokens((TOKEN,)).rotated("checkout", digest_of(OTHER), NOW, None)
    tokens, revoked = tokens.revoked("checkout", NOW)
    assert len(revoked) == 2
    assert denial(tokens, TEXT) is denial(tokens, OTHER) is Denial.REVOKED


@pytest.mark.parametrize("name", ["nobody", ""])
def test_only_what_there_is_can_be_revoked(name: str) -> None:
    with pytest.raises(TokenError, match="there is no token"):
        Tokens((TOKEN,)).revoked(name, NOW)


def test_what_is_revoked_stays_revoked_at_its_time() -> None:
    tokens, _ = Tokens((TOKEN,)).revoked("checkout", NOW)
    with pytest.raises(TokenError, match="there is no valid token"):
        tokens.revoked("checkout", NOW + 1)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "token:x", "x" * 65, "é", "0123456789ab", "a\n"])
def test_a_name_is_short_and_plain_and_no_identifier(name: str) -> None:
    with pytest.raises(TokenError):
        check_token_name(name)


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((Grant(Role.SENDER),), True),
        ((Grant(Role.ADMIN),), True),
        ((Grant(Role.VIEWER), Grant(Role.SENDER)), True),
        ((Grant(Role.VIEWER), Grant(Role.AUDITOR), Grant(Role.OPERATOR)), False),
        ((), False),
        ((Grant(Role.SENDER, tenants=frozenset({"acme"})),), True),
        ((Grant(Role.SENDER, tenants=frozenset({"other"})),), False),
    ],
)
def test_senders_and_administrators_may_send_to_their_tenants(grants: tuple[Grant, ...], *, expected: bool) -> None:
    assert Token("x", bytes(32), grants, tenant="acme").may_send is expected
