"""Witnesses and authorities as users name them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.notary.keys import KeyType, VerifierKey
from server.witness.settings import TimestampAuthority, Witness, parse_witness

PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
KEY = VerifierKey("witness.example/w1", PUBLIC, KeyType.ED25519_COSIGNATURE)


class TestWitness:
    @pytest.mark.parametrize("url", ["https://witness.example", "http://127.0.0.1:7380/prefix", "http://[::1]:80"])
    def test_it_is_named_by_its_key_and_its_url(self, url: str) -> None:
        assert parse_witness(f"{KEY} {url}") == Witness(url, KEY)

    def test_a_slash_at_the_end_says_nothing(self) -> None:
        assert parse_witness(f" {KEY}  https://witness.example/w/ \n") == Witness("https://witness.example/w", KEY)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "<verifier key> <URL>"),
            (str(KEY), "<verifier key> <URL>"),
            (f"{KEY} https://witness.example more", "<verifier key> <URL>"),
            (f"https://witness.example {KEY}", "cannot be used"),
            (f"{str(KEY)[:-4]}AAAA https://witness.example", "cannot be used"),
            (f"{VerifierKey('a', PUBLIC)} https://witness.example", "type 4 or 6"),
            (f"{KEY} witness.example", "a URL must begin"),
            (f"{KEY} ftp://witness.example", "a URL must begin"),
            (f"{KEY} https://", "a URL must begin"),
            (f"{KEY} https://witness.example:99999", "a URL must begin"),
            (f"{KEY} https://[witness.example", "a URL must begin"),
            (f"{KEY} https://witnéss.example", "a URL must begin"),
            (f"{KEY} https://user:secret@witness.example", "must not contain a user name"),
            (f"{KEY} https://witness.example#part", "must not contain a user name"),
            (f"{KEY} https://witness.example?log=1", "must not have a query"),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, text: str, why: str) -> None:
        with pytest.raises(ValueError, match=why) as caught:
            parse_witness(text)
        assert "secret" not in str(caught.value)


class TestTimestampAuthority:
    def test_its_url_may_have_a_query(self) -> None:
        assert TimestampAuthority("http://tsa.example/tsr?policy=1").interval > 0

    @pytest.mark.parametrize(
        ("url", "interval"),
        [
            ("tsa.example", 1),
            ("http://tsa.example", 0),
            ("http://tsa.example", float("nan")),
            ("http://tsa.example", float("inf")),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, url: str, interval: float) -> None:
        with pytest.raises(ValueError, match=r"a URL|seconds"):
            TimestampAuthority(url, interval=interval)
