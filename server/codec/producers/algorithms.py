"""The algorithms of producers' signatures, as the Collector's ``signingprocessor`` names and uses them.

Source: opentelemetry-collector-contrib ``processor/signingprocessor/processor.go``, ``sign``.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

__all__ = ["ALGORITHMS", "HMAC", "PublicKey", "fits", "mac_is_valid", "signature_is_valid", "unusable"]

HMAC = "HMAC-SHA256"
"""The only algorithm with a shared secret."""

ALGORITHMS = ("RS256", "RS512", "ES256", "EdDSA", HMAC)
"""Names of all algorithms; the first one is meant if a producer names none."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
"""Keys that signatures can be checked with."""

_RSA_BITS = range(2048, 8192 + 1)  # larger keys take long, and anyone can send one
_LARGEST_EXPONENT = (1 << 32) - 1  # the time of a verification grows with its bits; in use is 65537
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_RAW = 64  # bytes of r and s of a P-256 signature, as RFC 7518 writes them


def unusable(key: object) -> str:
    """Return why signatures cannot be checked with a public key, empty if they can."""
    match key:
        case rsa.RSAPublicKey():
            if key.key_size not in _RSA_BITS:
                return "RSA keys must have 2048 to 8192 bits"
            is_short = key.public_numbers().e <= _LARGEST_EXPONENT  # the library refuses even ones, and those below 3
            return "" if is_short else "the public exponent of RSA keys must be below 2^32"
        case ec.EllipticCurvePublicKey():
            return "" if key.curve.name in _CURVES else "the curve must be P-256, P-384 or P-521"
        case ed25519.Ed25519PublicKey():
            return ""
        case _:
            return "the key must be an RSA, ECDSA or Ed25519 key"


def fits(algorithm: str, key: PublicKey) -> bool:
    """Return whether an algorithm signs with the private key of a public key."""
    match key:
        case rsa.RSAPublicKey():
            return algorithm in ("RS256", "RS512")
        case ec.EllipticCurvePublicKey():
            return algorithm == "ES256"
        case _:
            return algorithm == "EdDSA"


def signature_is_valid(algorithm: str, key: PublicKey, signature: bytes, payload: bytes) -> bool:
    """Return whether a signature of a payload is valid; the key must fit the algorithm."""
    try:
        match key:
            case rsa.RSAPublicKey():
                hashing = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
                key.verify(signature, payload, padding.PKCS1v15(), hashing)
            case ec.EllipticCurvePublicKey():
                # The processor writes ASN.1; RFC 7518, which the name ES256 is from, r and s one behind the other.
                key.verify(_as_asn1(signature), payload, ec.ECDSA(hashes.SHA256()))
            case _:
                key.verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def mac_is_valid(secret: bytes, mac: bytes, payload: bytes) -> bool:
    """Return whether an HMAC-SHA256 of a payload is valid."""
    made = hmac.HMAC(secret, hashes.SHA256())
    made.update(payload)
    try:
        made.verify(mac)
    except InvalidSignature:
        return False
    return True


def _as_asn1(signature: bytes) -> bytes:
    if len(signature) != _RAW:
        return signature
    r, s = (int.from_bytes(half) for half in (signature[: _RAW // 2], signature[_RAW // 2 :]))
    return utils.encode_dss_signature(r, s)
