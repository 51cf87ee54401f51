"""Limits of the effort that signatures may cost which turn out not to be of trusted producers.

Anyone can send certificates and signatures without having signed anything, in few bytes if they are compressed, and
each may take a millisecond. So what is verified costs nothing here, and all else is counted by the time that it takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from server.codec.producers.algorithms import PublicKey

__all__ = ["Allowance", "Efforts", "mac_effort", "reading_effort", "verification_effort"]

_UNTRUSTED = 200_000  # µs in one request
_FAILED = 1_000_000
_PAYLOAD = 100  # µs to make the canonical JSON of a small record
_BYTES_HASHED = 512  # in 1 µs
_MAC = 5  # µs
_READING = 50  # µs for a small certificate
_BYTES_READ = 6  # in 1 µs: long names and lists of names are the slowest
_CURVES = {"secp256r1": 120, "secp384r1": 800, "secp521r1": 1000}  # µs
_ED25519 = 140  # µs
_BITS_IN_ONE = 1 << 21  # product of bits of the exponent and square of bits of the modulus that take 1 µs


@dataclass(slots=True)
class Allowance:
    """Effort that is left.

    Attributes:
        left: µs on a machine of 2020, may be less than none: the effort is known once it is made.
    """

    left: int

    @property
    def is_used_up(self) -> bool:
        """True if nothing is left."""
        return self.left <= 0

    def spend(self, effort: int) -> None:
        """Take an effort in µs from it."""
        self.left -= effort


@dataclass(frozen=True, slots=True)
class Efforts:
    """Allowances of one request.

    Attributes:
        untrusted: for keys and certificates that are not trusted.
        failed: for signatures that name trusted keys, but do not match.
        verifies_untrusted: True if signatures with keys that are not trusted are verified too.
    """

    untrusted: Allowance = field(default_factory=lambda: Allowance(_UNTRUSTED))
    failed: Allowance = field(default_factory=lambda: Allowance(_FAILED))
    verifies_untrusted: bool = True


def verification_effort(key: PublicKey, payload: bytes) -> int:
    """Return the µs that it takes to make a payload and verify a signature of it."""
    match key:
        case rsa.RSAPublicKey():
            exponent_bits = key.public_numbers().e.bit_length()
            verifying = key.key_size**2 * exponent_bits // _BITS_IN_ONE
        case ec.EllipticCurvePublicKey():
            verifying = _CURVES[key.curve.name]
        case _:
            verifying = _ED25519
    return _PAYLOAD + verifying + len(payload) // _BYTES_HASHED


def mac_effort(secrets: int, payload: bytes) -> int:
    """Return the µs that it takes to make a payload and try secrets of HMAC."""
    return _PAYLOAD + secrets * (_MAC + len(payload) // _BYTES_HASHED)


def reading_effort(certificate: str) -> int:
    """Return the µs that it takes to read a certificate, given in base64."""
    return _READING + len(certificate) // _BYTES_READ
