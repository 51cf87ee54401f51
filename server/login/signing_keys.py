"""Public keys with which an OpenID provider signs tokens (JWK Set, RFC 7517)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

__all__ = ["ALGORITHMS", "PublicKey", "SigningKey", "find_key", "parse_key_set"]

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
ALGORITHMS = _RSA | frozenset(_CURVES.values()) | {"EdDSA"}
"""Algorithms of signatures that are accepted: asymmetric ones only, so that no public key can serve as a secret."""

_SMALLEST_RSA = 2048  # bits
_LARGEST_RSA = 8192
_LARGEST_EXPONENT = 1 << 32
_MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Public key of a provider.

    Attributes:
        kid: its ID; empty if it has none.
        key: the key.
        algorithms: algorithms that it may be used with.
    """

    kid: str
    key: PublicKey
    algorithms: frozenset[str]


def parse_key_set(document: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """Return the keys of a JWK Set that can verify signatures; others, which may be for encryption, are left out.

    Raises:
        ValueError: the document is not a JWK Set, or has no usable key.
    """
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("the JWK Set has no list of keys")  # noqa: TRY004 - callers handle one error
    usable = tuple(key for each in keys[:_MOST_KEYS] for key in _usable(each))
    if not usable:
        raise ValueError("the JWK Set has no public key for signatures with one of " + ", ".join(sorted(ALGORITHMS)))
    return usable


def find_key(keys: Sequence[SigningKey], kid: str, algorithm: str) -> PublicKey | None:
    """Return the key that a token names, None if there is none, or several.

    Args:
        keys: keys of the provider.
        kid: ID of the key in the token's header; empty if the token names none, which only one key may fit then.
        algorithm: algorithm in the token's header.
    """
    fitting = [key.key for key in keys if algorithm in key.algorithms and kid in ("", key.kid)]
    return fitting[0] if len(fitting) == 1 else None


def _usable(jwk: object) -> Iterator[SigningKey]:
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("RSA", "EC", "OKP") or jwk.get("use", "sig") != "sig":
        return
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return
    public = {name: value for name, value in jwk.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        key = PyJWK(public).key
    except (PyJWTError, UnsupportedAlgorithm):  # an OpenSSL in FIPS mode lacks some curves
        return
    algorithms = _algorithms_of(key)
    if "alg" in jwk:
        algorithms &= {jwk["alg"]} if isinstance(jwk["alg"], str) else frozenset()
    kid = jwk.get("kid", "")
    if algorithms and isinstance(kid, str):
        yield SigningKey(kid, key, algorithms)


def _algorithms_of(key: object) -> frozenset[str]:
    if isinstance(key, RSAPublicKey):
        fits = _SMALLEST_RSA <= key.key_size <= _LARGEST_RSA and key.public_numbers().e < _LARGEST_EXPONENT
        return _RSA if fits else frozenset()
    if isinstance(key, EllipticCurvePublicKey):
        return frozenset({_CURVES[key.curve.name]} if key.curve.name in _CURVES else ())
    return frozenset({"EdDSA"} if isinstance(key, Ed25519PublicKey) else ())
