"""Keys and metadata of a provider: caching, and the limits of fetching."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from server.login.errors import ProviderError
from server.login.provider import Provider, parse_metadata
from server.login.signing_keys import parse_key_set
from server.process.pools import Pool
from server.settings.secure_urls import is_safe_url
from tests.login.issuing import ISSUER, documents, ec_key, ed_key, jwk, rsa_key


class Served:
    """Documents that are served and counted, on a clock of the test."""

    def __init__(self) -> None:
        self.documents = documents()
        self.fetched = 0
        self.threads: set[str] = set()
        self.now = 1000.0

    def fetch(self, url: str) -> dict[str, Any]:
        self.fetched += 1
        self.threads.add(threading.current_thread().name.partition("_")[0])
        if url not in self.documents:
            raise ProviderError("unreachable")
        return self.documents[url]

    def clock(self) -> float:
        return self.now


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool("test", 2)
    yield made
    made.close()


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def provider(served: Served, pool: Pool) -> Provider:
    return Provider(ISSUER, served.fetch, pool, served.clock)


async def test_many_unknown_keys_are_asked_for_once_a_minute(provider: Provider, served: Served) -> None:
    assert await provider.key("k1", "RS256")
    assert served.fetched == 2
    asked = [provider.key(f"unknown-{number}", "RS256") for number in range(100)]
    assert await asyncio.gather(*asked) == [None] * 100
    assert served.fetched == 2
    served.now += 60
    asked = [provider.key(f"unknown-{number}", "RS256") for number in range(100)]
    assert await asyncio.gather(*asked) == [None] * 100
    assert served.fetched == 4
    assert served.threads == {"test"}  # of the pool: the event loop does not wait for a provider


async def test_a_new_key_is_found_by_the_first_token_that_names_it(provider: Provider, served: Served) -> None:
    assert await provider.key("k1", "RS256")
    served.documents = documents(jwk(rsa_key("second"), "k2"))
    served.now += 61
    assert await provider.key("k2", "RS256")
    assert await provider.key("k1", "RS256") is None


async def test_keys_outlive_a_provider_that_cannot_be_reached_for_a_day(provider: Provider, served: Served) -> None:
    assert await provider.key("k1", "RS256")
    served.documents = {}
    served.now += 23 * 3600
    assert await provider.key("k1", "RS256")
    served.now += 2 * 3600
    assert await provider.key("k1", "RS256") is None
    with pytest.raises(ProviderError, match="cannot be used"):
        await provider.metadata()


async def test_a_caller_that_leaves_does_not_end_the_fetch_that_others_wait_for(
    provider: Provider, served: Served
) -> None:
    first = asyncio.create_task(provider.key("k1", "RS256"))
    second = asyncio.create_task(provider.key("k1", "RS256"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert served.fetched == 2


def test_the_document_must_be_of_the_issuer_and_its_endpoints_safe() -> None:
    document = documents()[f"{ISSUER}/.well-known/openid-configuration"]
    assert parse_metadata(document, ISSUER).jwks_uri == f"{ISSUER}/certs"
    for changed in (
        {"issuer": "https://other.example"},
        {"issuer": f"{ISSUER}/"},
        {"jwks_uri": "http://login.example/certs"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": ""},
        {"token_endpoint": 7},
        {"end_session_endpoint": "javascript:alert(1)"},
    ):
        with pytest.raises(ValueError, match=r"issuer|https"):
            parse_metadata({**document, **changed}, ISSUER)


def test_only_public_keys_for_signatures_are_used() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"}
    unusable = [
        secret,
        jwk(rsa_key("small", 1024), "small"),
        jwk(rsa_key(), "encryption", use="enc"),
        jwk(rsa_key(), "wrap", key_ops=["wrapKey"]),
        jwk(rsa_key(), "alg", alg="HS256"),
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "k"},
        {"kty": "RSA", "kid": "empty"},
        "text",
    ]
    usable = [jwk(rsa_key(), "r"), jwk(ec_key(), "e", use="sig"), jwk(ed_key(), "d", key_ops=["verify"])]
    assert [key.kid for key in parse_key_set({"keys": [*unusable, *usable]})] == ["r", "e", "d"]
    with pytest.raises(ValueError, match="no public key"):
        parse_key_set({"keys": unusable})
    with pytest.raises(ValueError, match="no list"):
        parse_key_set({"keys": {}})


@pytest.mark.parametrize("malformed", [None, 7, -1.5, True, "", "ä", "\udc80", "%%%", "A", "A" * 100_000, [], {}])
@pytest.mark.parametrize("member", ["n", "e", "crv", "x", "y", "kty", "kid", "alg", "use", "key_ops"])
def test_a_malformed_member_makes_its_key_unusable_and_no_other(member: str, malformed: object) -> None:
    good = jwk(ec_key(), "good")
    odd = [{**jwk(key, "odd"), member: malformed} for key in (rsa_key(), ec_key(), ed_key())]
    assert "good" in {key.kid for key in parse_key_set({"keys": [*odd, good]})}


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/x", True),
        ("http://login.example/x", False),
        ("http://127.0.0.1.login.example/", False),
        ("https://user@login.example/", False),
        ("ftp://127.0.0.1/", False),
        ("https:///x", False),
        ("https://login.example:0/", False),
        ("https://[/", False),
        ("https://login.example\\@attacker.example/", False),
        ("https://login.example/\r\nX: y", False),
    ],
)
def test_secrets_go_over_tls_or_stay_on_this_machine(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe
