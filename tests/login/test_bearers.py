"""Bearer tokens, and attacks with them."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.errors import Denial, UnauthenticatedError
from server.access.role_rules import GROUP, RoleRule, claim_fact
from server.login.bearers import JwtAuthenticator
from server.login.identities import identity_of_claims
from server.login.provider import Provider
from server.login.tokens import check_token, read_header
from server.process.pools import Pool
from tests.login.issuing import (
    AUDIENCE,
    ISSUER,
    claims,
    documents,
    ec_key,
    ed_key,
    jwk,
    raw_token,
    rsa_key,
    token,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
RULES = (
    RoleRule((GROUP, "log-auditors"), Grant(Role.AUDITOR)),
    RoleRule(claim_fact("roles", "Logs.Viewer"), Grant(Role.VIEWER, services=frozenset({"shop"}))),
)


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool("test", 2)
    yield made
    made.close()


def authenticator(pool: Pool, served: dict[str, dict[str, Any]] | None = None) -> JwtAuthenticator:
    provider = Provider(ISSUER, (documents() if served is None else served).__getitem__, pool)
    return JwtAuthenticator(provider, (AUDIENCE,), "groups", RULES)


async def refused(pool: Pool, bearer: str, served: dict[str, dict[str, Any]] | None = None) -> Denial:
    with pytest.raises(UnauthenticatedError) as error:
        await authenticator(pool, served).authenticate(Presented(bearer))
    return error.value.denial


async def test_a_signed_token_says_who_calls_and_its_groups_grant_roles(pool: Pool) -> None:
    caller = await authenticator(pool).authenticate(Presented(token(), address="192.0.2.1"))
    assert caller == Caller("ada@example.com", CallerKind.OIDC, (Grant(Role.AUDITOR),), "192.0.2.1")


async def test_an_address_that_is_not_verified_names_nobody(pool: Pool) -> None:
    caller = await authenticator(pool).authenticate(Presented(token(claims(email_verified=False))))
    assert caller
    assert caller.name == "6f1c"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA"])
async def test_asymmetric_algorithms_are_accepted(pool: Pool, algorithm: str) -> None:
    key = ec_key() if algorithm == "ES256" else ed_key() if algorithm == "EdDSA" else rsa_key()
    served = documents(jwk(key, "k1"))
    assert await authenticator(pool, served).authenticate(Presented(token(key=key, algorithm=algorithm)))


@pytest.mark.parametrize("bearer", ["", "lgn_0123456789", "a.b.c", "eyJhbGciOiJub25lIn0", "a.b.c.d.e"])
async def test_other_secrets_are_left_to_other_authenticators(pool: Pool, bearer: str) -> None:
    assert await authenticator(pool).authenticate(Presented(bearer)) is None


async def test_a_token_without_a_signature_is_refused(pool: Pool) -> None:
    for name in ("none", "None", "NONE", "nOnE"):
        bearer = raw_token(json.dumps({"alg": name}), json.dumps(claims()), lambda _: b"")
        assert await refused(pool, bearer) is Denial.MALFORMED


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
async def test_a_public_key_does_not_serve_as_a_secret(pool: Pool, encoding: Encoding) -> None:
    secret = rsa_key().public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    header = json.dumps({"alg": "HS256", "kid": "k1", "typ": "JWT"})
    bearer = raw_token(header, json.dumps(claims()), lambda parts: hmac.digest(secret, parts, sha256))
    assert await refused(pool, bearer) is Denial.MALFORMED


async def test_the_algorithm_must_be_one_of_the_key(pool: Pool) -> None:
    assert await refused(pool, token(key=ec_key(), algorithm="ES256")) is Denial.UNKNOWN  # k1 is an RSA key
    served = documents(jwk(rsa_key(), "k1", alg="PS256"))
    assert await refused(pool, token(), served) is Denial.UNKNOWN


async def test_keys_in_a_token_or_at_addresses_in_it_are_never_used(pool: Pool) -> None:
    own = rsa_key("attacker")
    for header in (
        {"jwk": jwk(own, "k1")},
        {"jku": "https://attacker.example/certs"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
    ):
        assert await refused(pool, token(key=own, header=header)) is Denial.UNKNOWN
    assert await authenticator(pool).authenticate(Presented(token(header={"jku": "https://attacker.example"})))


@pytest.mark.parametrize(
    ("changed", "denial"),
    [
        ({"iss": "https://other.example/realms/shop"}, Denial.UNKNOWN),
        ({"iss": f"{ISSUER}/"}, Denial.UNKNOWN),
        ({"aud": "another-service"}, Denial.UNKNOWN),
        ({"aud": []}, Denial.UNKNOWN),
        ({"aud": None}, Denial.UNKNOWN),
        ({"exp": None}, Denial.UNKNOWN),
        ({"iat": None}, Denial.UNKNOWN),
        ({"sub": None}, Denial.UNKNOWN),
        ({"sub": 7}, Denial.UNKNOWN),
        ({"sub": ""}, Denial.MALFORMED),
        ({"sub": "a\nb"}, Denial.MALFORMED),
        ({"sub": "a" * 257}, Denial.MALFORMED),
        ({"exp": "soon"}, Denial.UNKNOWN),
    ],
)
async def test_a_token_with_other_claims_is_refused(pool: Pool, changed: dict[str, object], denial: Denial) -> None:
    bearer = raw_token('{"alg":"RS256","kid":"k1"}', json.dumps(claims(**changed)), sign)
    assert await refused(pool, bearer) is denial


@pytest.mark.parametrize(
    ("claim", "seconds", "denial"),
    [("exp", -90, Denial.EXPIRED), ("nbf", 90, Denial.UNKNOWN), ("iat", 90, Denial.UNKNOWN)],
)
async def test_a_token_of_another_time_is_refused(pool: Pool, claim: str, seconds: int, denial: Denial) -> None:
    bearer = raw_token('{"alg":"RS256","kid":"k1"}', json.dumps(claims(**{claim: int(time.time()) + seconds})), sign)
    assert await refused(pool, bearer) is denial


def sign(parts: bytes) -> bytes:
    return rsa_key().sign(parts, PKCS1v15(), SHA256())


@pytest.mark.parametrize("changed", [{"exp": -30}, {"nbf": 30}, {"iat": 30}])
async def test_clocks_may_differ_by_less_than_a_minute(pool: Pool, changed: dict[str, int]) -> None:
    now = int(time.time())
    bearer = token(claims(**{name: now + seconds for name, seconds in changed.items()}))
    assert await authenticator(pool).authenticate(Presented(bearer))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ('{"alg":"RS256","alg":"RS256","kid":"k1"}', "{}"),
        ('{"alg":"RS256","kid":"k1"}', '{"sub":"mallory",' + json.dumps(claims())[1:]),
        ('{"alg":"RS256","kid":"k1"}', json.dumps(claims())[:-1] + ',"exp":9999999999}'),
        ('{"alg":"RS256","kid":"k1"}', json.dumps(claims())[:-1] + ',"x":NaN}'),
        ('{"alg":"RS256","kid":"k1"}', "[" * 5000),
        ('{"alg":"RS256","kid":"k1"}', "[]"),
        ('{"alg":"RS256","kid":"k1","crit":["exp"],"exp":1}', "{}"),
        ('{"alg":"RS256","kid":"k1","b64":false}', "{}"),
        ('{"alg":"RS256","kid":["k1"]}', "{}"),
        ('{"alg":["RS256"],"kid":"k1"}', "{}"),
        ('{"alg":"RS256","kid":"' + "k" * 300 + '"}', "{}"),
        ('{"alg":"RS256","kid":"k1","typ":"logout+jwt"}', "{}"),
    ],
)
async def test_a_token_that_two_readers_could_understand_differently_is_refused(
    pool: Pool, header: str, payload: str
) -> None:
    assert await refused(pool, raw_token(header, payload, sign)) is Denial.MALFORMED


async def test_a_token_that_is_too_long_is_refused_before_it_is_decoded(pool: Pool) -> None:
    assert await refused(pool, token(claims(groups=["g" * 60] * 300))) is Denial.MALFORMED


async def test_a_signature_of_another_key_or_of_another_content_is_refused(pool: Pool) -> None:
    assert await refused(pool, token(key=rsa_key("attacker"))) is Denial.UNKNOWN
    head, _, signature = token().split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(sub="admin")).encode()).decode().rstrip("=")
    assert await refused(pool, f"{head}.{other}.{signature}") is Denial.UNKNOWN
    assert await refused(pool, f"{head}.{other}.") is Denial.UNKNOWN


async def test_a_token_that_names_no_key_needs_a_provider_with_one_key_that_fits(pool: Pool) -> None:
    bearer = jwt.encode(claims(), rsa_key(), "RS256")
    assert await authenticator(pool).authenticate(Presented(bearer))
    two = documents(jwk(rsa_key(), "k1"), jwk(rsa_key("second"), "k2"))
    assert await refused(pool, bearer, two) is Denial.UNKNOWN


@pytest.mark.parametrize("overage", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}, {"hasgroups": "true"}])
async def test_too_many_groups_for_a_token_are_refused_with_what_to_do(pool: Pool, overage: dict[str, object]) -> None:
    with pytest.raises(UnauthenticatedError, match="assign app roles"):
        await authenticator(pool).authenticate(Presented(token(claims(groups=None, **overage))))


async def test_app_roles_grant_roles_whatever_the_number_of_groups(pool: Pool) -> None:
    bearer = token(claims(groups=None, roles=["Logs.Viewer"], _claim_names={"groups": "src1"}))
    caller = await authenticator(pool).authenticate(Presented(bearer))
    assert caller
    assert caller.grants == (Grant(Role.VIEWER, services=frozenset({"shop"})),)


async def test_somebody_without_a_role_is_known_and_may_do_nothing(pool: Pool) -> None:
    caller = await authenticator(pool).authenticate(Presented(token(claims(groups=[]))))
    assert caller
    assert caller.grants == ()


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), JSON),
    payload=st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "azp", "nonce"]), JSON) | JSON,
    signed=st.booleans(),
)
def test_whatever_a_token_says_it_is_accepted_or_refused_without_another_error(
    header: dict[str, object], payload: object, signed: bool
) -> None:
    chosen = {**header, **({"alg": "RS256"} if signed else {})}
    content = {**claims(), **payload} if isinstance(payload, dict) else payload
    bearer = raw_token(json.dumps(chosen), json.dumps(content), sign if signed else lambda _: b"x")
    with contextlib.suppress(UnauthenticatedError):
        found = read_header(bearer)
        checked = check_token(bearer, found.algorithm, rsa_key().public_key(), ISSUER, [AUDIENCE])
        identity_of_claims(checked, "groups", RULES)
        assert signed


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_presented_as_a_token_is_refused_without_another_error(text: str) -> None:
    for bearer in (text, f"eyJ{text}", f"eyJ{text}.{text}.{text}"):
        with contextlib.suppress(UnauthenticatedError):
            header = read_header(bearer)
            check_token(bearer, header.algorithm, rsa_key().public_key(), ISSUER, [AUDIENCE])
            pytest.fail("accepted")
