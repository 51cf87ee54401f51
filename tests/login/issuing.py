"""Tokens, and the documents of a provider, made with keys of the tests."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example/realms/shop"
AUDIENCE = "lognotary"


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> RSAPrivateKey:
    """Return an RSA key, the same for the same name."""
    del name
    return generate_rsa(65537, bits)


@cache
def ec_key() -> EllipticCurvePrivateKey:
    """Return a key on P-256, always the same."""
    return generate_private_key(SECP256R1())


@cache
def ed_key() -> Ed25519PrivateKey:
    """Return an Ed25519 key, always the same."""
    return Ed25519PrivateKey.generate()


def jwk(key: RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey, kid: str, **more: object) -> dict[str, Any]:
    """Return the public part of a key as a JWK."""
    if isinstance(key, RSAPrivateKey):
        made = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, EllipticCurvePrivateKey):
        made = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        made = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {**made, "kid": kid, **more}


def claims(**changed: object) -> dict[str, Any]:
    """Return the claims of a valid token, with some changed, or left out if they are None."""
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "6f1c",
        "iat": now,
        "exp": now + 300,
        "email": "ada@example.com",
        "email_verified": True,
        "groups": ["log-auditors"],
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def token(
    content: Mapping[str, Any] | None = None,
    key: Any = None,
    algorithm: str = "RS256",
    header: Mapping[str, Any] | None = None,
) -> str:
    """Return a signed token, by the first RSA key as ``k1`` unless something else is said."""
    signing = rsa_key() if key is None else key
    signed: str = jwt.encode(dict(content or claims()), signing, algorithm, {"kid": "k1", **(header or {})})
    return signed


def raw_token(header: str, payload: str, sign: Callable[[bytes], bytes]) -> str:
    """Return a token of any texts, with a signature over them."""
    parts = ".".join(base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in (header, payload))
    signature = base64.urlsafe_b64encode(sign(parts.encode())).decode().rstrip("=")
    return f"{parts}.{signature}"


def documents(*keys: Mapping[str, Any], **changed: object) -> dict[str, dict[str, Any]]:
    """Return the documents of a provider by their URLs."""
    endpoints = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/auth",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/certs",
        "end_session_endpoint": f"{ISSUER}/logout",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    usual = keys or (jwk(rsa_key(), "k1"),)
    return {
        f"{ISSUER}/.well-known/openid-configuration": {**endpoints, **changed},
        f"{ISSUER}/certs": {"keys": list(usual)},
    }


def as_json(value: object) -> str:
    """Return a value as JSON."""
    return json.dumps(value)
