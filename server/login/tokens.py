"""Checks of signed tokens (JWT, RFC 7519 and 8725; ID tokens, OpenID Connect Core 3.1.3.7)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidSignatureError,
    PyJWTError,
)

from server.access.errors import Denial, UnauthenticatedError
from server.login.signing_keys import ALGORITHMS, PublicKey
from server.login.strict_json import read_object

__all__ = ["LEEWAY", "TokenHeader", "check_token", "looks_like_jwt", "read_header"]

LEEWAY = 60.0
"""Seconds by which the clocks of the provider and of this server may differ."""

_LONGEST = 16 * 1024  # characters; Entra's largest tokens have about 8,000
_LONGEST_NAME = 256  # characters of a subject and of a key's ID
_REQUIRED = ("iss", "sub", "aud", "exp", "iat")
# Tokens of other uses may have the same issuer and audience: a logout token authenticates nobody.
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt", "id_token+jwt"})


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """Parts of a token's header that are used; keys and addresses of keys in it are never.

    Attributes:
        algorithm: algorithm of the signature, one of ``ALGORITHMS``.
        kid: ID of the key; empty if there is none.
    """

    algorithm: str
    kid: str


def looks_like_jwt(bearer: str) -> bool:
    """Return whether a credential is a signed token rather than another secret: three parts, the first one JSON."""
    return bearer.startswith("eyJ") and bearer.count(".") == 2


def read_header(token: str) -> TokenHeader:
    """Return the header of a token, before its signature is checked.

    Raises:
        UnauthenticatedError: the token is too long, or its header is not acceptable.
    """
    if len(token) > _LONGEST or not token.isascii():
        raise UnauthenticatedError(Denial.MALFORMED)
    header = _part(token.partition(".")[0])
    algorithm, kid, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "")
    if (
        not isinstance(algorithm, str)
        or algorithm not in ALGORITHMS
        or not isinstance(kid, str)
        or len(kid) > _LONGEST_NAME
        or not isinstance(kind, str)
        or kind.lower() not in _TYPES
        or "crit" in header
        or header.get("b64", True) is not True
    ):
        raise UnauthenticatedError(Denial.MALFORMED)
    return TokenHeader(algorithm, kid)


def check_token(
    token: str, algorithm: str, key: PublicKey, issuer: str, audiences: Collection[str], nonce: str | None = None
) -> dict[str, Any]:
    """Return the claims of a token whose signature, issuer, audience and times are right.

    Args:
        token: the token, whose header was accepted by ``read_header``.
        algorithm: algorithm in its header, with which the key may be used.
        key: the issuer's key.
        issuer: the only issuer whose tokens are accepted.
        audiences: audiences of which the token must have one.
        nonce: nonce that the token must have; None if it needs none.

    Raises:
        UnauthenticatedError: the token is not valid.
    """
    claims = _part(token.split(".")[1])
    try:
        jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=list(audiences),
            leeway=LEEWAY,
            options={"require": list(_REQUIRED)},
        )
    except ExpiredSignatureError as error:
        raise UnauthenticatedError(Denial.EXPIRED) from error
    except (InvalidSignatureError, ImmatureSignatureError) as error:
        raise UnauthenticatedError(Denial.UNKNOWN) from error
    except (PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise UnauthenticatedError(Denial.UNKNOWN) from error
    subject, party = claims["sub"], claims.get("azp")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_NAME or not subject.isprintable():
        raise UnauthenticatedError(Denial.MALFORMED)
    if nonce is not None:  # an ID token of a login
        if claims.get("nonce") != nonce or (party is not None and party not in audiences):
            raise UnauthenticatedError(Denial.UNKNOWN)
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and party is None:
            raise UnauthenticatedError(Denial.UNKNOWN)
    return claims


def _part(part: str) -> dict[str, Any]:
    """Return a part of a token, as the object that it is."""
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        return read_object(decoded)
    except (ValueError, binascii.Error) as error:
        raise UnauthenticatedError(Denial.MALFORMED) from error
