"""Certificates in records are trusted if they were given, or a CA that was given issued them."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.codec.producers.algorithms import unusable
from server.codec.producers.effort import Allowance, Efforts
from server.codec.producers.keys import parse_producer_keys
from server.codec.producers.trust import LARGEST_CERTIFICATE, Signer, Trust
from server.notary.errors import KeyMaterialError

from .signing import DAY, NOW, Producer, moment, private_key, producer


def signer(one: Producer, *given: Producer) -> Signer:
    keys = parse_producer_keys([(f"{number}.pem", each.pem) for number, each in enumerate(given)])
    return Trust(keys).signer(one.full, "ES256", Efforts().untrusted)


CA = producer(name="ca", is_ca=True, number=7, first=NOW - 9 * DAY, last=NOW + 9 * DAY)


def test_a_certificate_that_a_given_ca_issued_is_trusted() -> None:
    found = signer(producer(issuer=CA, is_ca=False), CA)
    assert found.problem_at(NOW) == ""
    assert found.problem_at(NOW + DAY) == "the certificate had expired at the record's time"
    assert found.problem_at(NOW - 2 * DAY) == "the certificate was not valid yet at the record's time"


def test_a_certificate_is_trusted_only_while_its_ca_is_valid() -> None:
    ca = producer(name="ca", is_ca=True, number=7, first=NOW - DAY, last=NOW)
    found = signer(producer(issuer=ca, last=NOW + DAY), ca)
    assert found.problem_at(NOW - 1) == ""
    assert found.problem_at(NOW) == "the certificate had expired at the record's time"


def test_a_ca_in_between_must_be_given_itself() -> None:
    between = producer(name="between", is_ca=True, issuer=CA, number=8)
    leaf = producer(issuer=between)
    assert signer(leaf, CA).problem_at(NOW) == "no trusted CA issued the certificate"
    assert signer(leaf, CA, between).problem_at(NOW) == ""


def test_a_given_certificate_that_signs_itself_is_trusted_ca_or_not() -> None:
    for is_ca in (None, False, True):
        one = producer(is_ca=is_ca)
        assert signer(one, one).problem_at(NOW) == ""


def _usage(**given: bool) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: given.get(name, False) for name in names})


NO_CA = producer(name="no ca", is_ca=False, number=7)
PLAIN = producer(name="plain", number=7)
FORGED = producer(name="ca", is_ca=True, number=8)  # the name of the CA, but another key
MAY_NOT = producer(name="may not", is_ca=True, number=7, usage=_usage(crl_sign=True))
LIMITED = producer(
    name="limited", is_ca=True, number=7, extra=x509.NameConstraints([x509.DNSName("example.org")], None)
)


@pytest.mark.parametrize(
    ("leaf", "given", "problem"),
    [
        (producer(issuer=NO_CA), NO_CA, "no trusted CA issued the certificate"),
        (producer(issuer=PLAIN), PLAIN, "no trusted CA issued the certificate"),
        (producer(issuer=FORGED), CA, "no trusted CA issued the certificate"),
        (producer(issuer=MAY_NOT), MAY_NOT, "no trusted CA issued the certificate"),
        (producer(issuer=LIMITED), LIMITED, "no trusted CA issued the certificate"),
        (producer(name="self"), CA, "no trusted CA issued the certificate"),
        (producer(issuer=CA, usage=_usage(key_encipherment=True)), CA, "the certificate is not for signatures"),
        (
            producer(issuer=CA, extra=x509.InhibitAnyPolicy(1)),
            CA,
            "the certificate has a critical extension that is not understood",
        ),
    ],
)
def test_other_certificates_are_not_trusted(leaf: Producer, given: Producer, problem: str) -> None:
    assert signer(leaf, given).problem_at(NOW) == problem


def test_a_certificate_for_signatures_is_trusted() -> None:
    assert signer(producer(issuer=CA, usage=_usage(digital_signature=True)), CA).problem_at(NOW) == ""


def test_what_is_no_certificate_has_no_key() -> None:
    trust = Trust(parse_producer_keys([]))
    for reference, problem in (
        ("no base64", "the certificate cannot be read"),
        (b64encode(b"x" * LARGEST_CERTIFICATE).decode(), "the certificate cannot be read"),
        (b64encode(b"x" * (LARGEST_CERTIFICATE + 3)).decode(), "the certificate is larger than 64 KiB"),
        ("sha256:" + "0" * 64, "no key or certificate with this fingerprint is known"),
    ):
        found = trust.signer(reference, "ES256", Efforts().untrusted)
        assert (found.key, found.problem) == (None, problem)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_file_may_have_several_keys_and_certificates() -> None:
    one, other = producer(), producer("EdDSA")
    keys = parse_producer_keys([("all.pem", f"# ours\n{one.pem}\n{other.public_pem}{CA.pem}")], ["all.pem"])
    assert (set(keys.certificates), len(keys.public), keys.paths) == (
        {one.fingerprint, CA.fingerprint},
        1,
        ("all.pem",),
    )
    assert len(keys) == 3


PRIVATE = private_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("-----BEGIN CERTIFICATE-----\nAAAA", "k.pem: the PEM is incomplete"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "k.pem: the PEM of a certificate is damaged, or of an unknown algorithm",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "k.pem: the PEM of a public key is damaged, or of an unknown algorithm",
        ),
        (PRIVATE, "k.pem: this is a private key"),
        (
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----",
            "k.pem: x509 crl is neither a public key nor a certificate",
        ),
        (pem_of(rsa.generate_private_key(65537, 1024)), "k.pem: RSA keys must have 2048 to 8192 bits"),  # noqa: S505 - to be refused
        (
            "hello world!",
            "k.pem: the file has neither PEM nor standard base64: give PEM of public keys or certificates, or one HMAC "
            "secret of at least 16 bytes in base64",
        ),
        (b64encode(b"short").decode(), "k.pem: an HMAC secret must have at least 16 bytes, this one has 5"),
        ("", "k.pem: the file is empty: give PEM of public keys"),
    ],
    ids=["incomplete", "damaged", "damaged key", "private", "other", "weak", "neither", "short", "empty"],
)
def test_a_file_that_has_no_usable_keys_is_an_error_that_names_it(content: str, message: str) -> None:
    with pytest.raises(KeyMaterialError) as raised:
        parse_producer_keys([("k.pem", content)])
    assert str(raised.value).startswith(message)


def test_there_is_a_limit_of_secrets() -> None:
    files = [(f"{number}.key", b64encode(bytes(32)).decode()) for number in range(9)]
    assert len(parse_producer_keys(files[:8])) == 8
    with pytest.raises(KeyMaterialError, match="at most 8"):
        parse_producer_keys(files)


def test_certificates_that_are_not_trusted_are_read_until_the_allowance_is_used_up() -> None:
    trust, allowance = Trust(parse_producer_keys([("ca.pem", CA.pem)])), Allowance(1)
    issued, first, second = producer(issuer=CA), producer(name="first"), producer(name="second")
    assert trust.signer(issued.full, "ES256", allowance).problem == ""
    assert trust.signer("sha256:" + "0" * 64, "ES256", allowance).key is None
    assert not allowance.is_used_up
    assert trust.signer(first.full, "ES256", allowance).problem == "no trusted CA issued the certificate"
    assert allowance.is_used_up
    unread = "the certificate was not read: too many of the request are not trusted"
    assert trust.signer(second.full, "ES256", allowance).problem == unread
    assert trust.signer(first.full, "ES256", allowance).key is not None
    assert trust.signer(issued.full, "ES256", allowance).problem == ""
    assert trust.signer(second.full, "ES256", Efforts().untrusted).key is not None


def test_only_the_certificates_that_were_named_last_are_remembered() -> None:
    trust = Trust(parse_producer_keys([]))
    allowance = Allowance(10**9)
    references = [f"{PLAIN.full}{' ' * number}" for number in range(100)]
    for reference in references:
        trust.signer(reference, "ES256", allowance)
    left = allowance.left
    trust.signer(references[-1], "ES256", allowance)
    assert allowance.left == left
    trust.signer(references[0], "ES256", allowance)
    assert allowance.left < left


def _rsa(exponent: int) -> rsa.RSAPublicKey:
    modulus = cast("rsa.RSAPrivateKey", private_key("RS256")).public_key().public_numbers().n
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


@pytest.mark.parametrize("exponent", [2**32 + 1, 2**1000 + 1])
def test_an_rsa_key_with_a_long_exponent_is_not_usable(exponent: int) -> None:
    wrong = "the public exponent of RSA keys must be below 2^32"
    assert unusable(_rsa(exponent)) == wrong
    pem = _rsa(exponent).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(KeyMaterialError, match=re.escape(f"long.pem: {wrong}")):
        parse_producer_keys([("long.pem", pem)])


@pytest.mark.parametrize("exponent", [3, 65537, 2**32 - 1])
def test_an_rsa_key_with_a_short_exponent_is_usable(exponent: int) -> None:
    assert unusable(_rsa(exponent)) == ""


def test_a_certificate_whose_key_is_not_usable_is_not_verified() -> None:
    found = signer(replace(PLAIN, certificate=_certificate_of(_rsa(2**1000 + 1))), CA)
    assert (found.key, found.problem) == (None, "the public exponent of RSA keys must be below 2^32")


def _certificate_of(key: rsa.RSAPublicKey) -> x509.Certificate:
    name = PLAIN.certificate.subject
    builder = x509.CertificateBuilder(name, name, key, 1, moment(NOW), moment(NOW + DAY))
    return builder.sign(PLAIN.key, hashes.SHA256())
