"""Parsing of the keys of producers that a server trusts: public keys, certificates, and secrets of HMAC."""

from __future__ import annotations

import contextlib
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from server.codec.producers.algorithms import PublicKey, unusable
from server.codec.producers.policy import KEYS_ACCEPTED, ProducerKeys
from server.notary.errors import KeyMaterialError

__all__ = ["certificate_fingerprint", "key_fingerprint", "keys_as_der", "keys_from_der", "parse_producer_keys"]

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_SHORTEST_SECRET = 16  # bytes
_MOST_SECRETS = 8  # each is tried for a record that does not say which one it is


def certificate_fingerprint(certificate: x509.Certificate) -> str:
    """Return the fingerprint of a certificate, as producers name it: ``sha256:`` and hex."""
    return "sha256:" + certificate.fingerprint(hashes.SHA256()).hex()


def key_fingerprint(key: PublicKey) -> str:
    """Return the fingerprint of a public key: ``sha256:`` and the SHA-256 of its SubjectPublicKeyInfo in hex."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return "sha256:" + digest.finalize().hex()


def parse_producer_keys(files: Iterable[tuple[str, str]], paths: Iterable[str] = ()) -> ProducerKeys:
    """Return the keys in files.

    Args:
        files: name and content of each: PEM of public keys and certificates, or one HMAC secret in base64.
        paths: the files and directories from which they were read.

    Raises:
        KeyMaterialError: a file has no keys, or a key that cannot be used.
    """
    public: dict[str, PublicKey] = {}
    certificates: dict[str, x509.Certificate] = {}
    secrets: dict[str, bytes] = {}
    for name, content in files:
        try:
            if "-----BEGIN" not in content:
                secrets[f"hmac:{name.rpartition('/')[2]}"] = _secret(content)
                continue
            for found in _pem(content):
                if isinstance(found, x509.Certificate):
                    certificates[certificate_fingerprint(found)] = found
                else:
                    public[key_fingerprint(found)] = found
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError(f"{name}: {error}") from error
    if len(secrets) > _MOST_SECRETS:
        raise KeyMaterialError(f"there are {len(secrets)} HMAC secrets: give at most {_MOST_SECRETS}")
    return ProducerKeys(tuple(paths), public, certificates, secrets)


def keys_as_der(keys: ProducerKeys) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return public keys and certificates in DER, by fingerprint."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return (
        {name: key.public_bytes(*form) for name, key in keys.public.items()},
        {name: certificate.public_bytes(form[0]) for name, certificate in keys.certificates.items()},
    )


def keys_from_der(
    paths: tuple[str, ...], public: Mapping[str, bytes], certificates: Mapping[str, bytes], secrets: Mapping[str, bytes]
) -> ProducerKeys:
    """Return the keys of ``keys_as_der``, with the paths and secrets that belong to them."""
    return ProducerKeys(
        paths,
        {name: cast("PublicKey", serialization.load_der_public_key(der)) for name, der in public.items()},
        {name: x509.load_der_x509_certificate(der) for name, der in certificates.items()},
        secrets,
    )


def _secret(content: str) -> bytes:
    try:
        secret = b64decode("".join(content.split()), validate=True)
    except ValueError:
        raise ValueError(f"the file has neither PEM nor standard base64: {KEYS_ACCEPTED}") from None
    if not secret:
        raise ValueError(f"the file is empty: {KEYS_ACCEPTED}")
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"an HMAC secret must have at least {_SHORTEST_SECRET} bytes, this one has {len(secret)}")
    if _is_public(secret):
        raise ValueError("this is a certificate or a public key, which everybody may know: give it in PEM")
    return secret


def _is_public(der: bytes) -> bool:
    for load in (x509.load_der_x509_certificate, serialization.load_der_public_key):
        with contextlib.suppress(ValueError, UnsupportedAlgorithm):
            load(der)
            return True
    return False


def _pem(content: str) -> Iterable[PublicKey | x509.Certificate]:
    blocks = [(match[1], match[0].encode()) for match in _BLOCK.finditer(content)]
    if not blocks:
        raise ValueError(f"the PEM is incomplete: {KEYS_ACCEPTED}")
    for label, block in blocks:
        if "PRIVATE" in label:
            raise ValueError("this is a private key: give its public key or its certificate")
        certificate, key = _load(label, block)
        if wrong := unusable(key):
            raise ValueError(wrong)
        yield certificate or key  # type: ignore[misc] # `unusable` leaves only a PublicKey


def _load(label: str, block: bytes) -> tuple[x509.Certificate | None, object]:
    if label != "CERTIFICATE" and not label.endswith("PUBLIC KEY"):
        raise ValueError(f"{label.lower()} is neither a public key nor a certificate: {KEYS_ACCEPTED}")
    try:
        if label == "CERTIFICATE":
            certificate = x509.load_pem_x509_certificate(block)
            return certificate, certificate.public_key()
        return None, serialization.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the PEM of a {label.lower()} is damaged, or of an unknown algorithm") from error
