"""Policies about producers' signatures, results of their checks, and keys; it imports little: settings need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

    from server.codec.producers.algorithms import PublicKey

__all__ = ["KEYS_ACCEPTED", "POLICIES", "Policy", "ProducerKeys", "Result"]


class Policy(Enum):
    """Policy about producers' signatures."""

    OFF = "off"
    ANNOTATE = "annotate"
    REQUIRE = "require"


POLICIES = tuple(policy.value for policy in Policy)
"""Values of the ``producer_signatures`` setting."""


KEYS_ACCEPTED = "give PEM of public keys or certificates, or one HMAC secret of at least 16 bytes in base64"
"""Advice for error messages: the formats of key files that are accepted."""


class Result(Enum):
    """Result of the check of one record; its value is stored, and is a label of a metric."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNTRUSTED = "untrusted"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class ProducerKeys:
    """Keys of producers that are trusted.

    Attributes:
        paths: the files and directories from which they were read.
        public: public keys, by fingerprint.
        certificates: certificates, by fingerprint. A certificate of a CA also stands for those that it issued.
        secrets: secrets of HMAC, by name.
    """

    paths: tuple[str, ...] = ()
    public: Mapping[str, PublicKey] = field(default_factory=dict)
    certificates: Mapping[str, x509.Certificate] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.public) + len(self.certificates) + len(self.secrets)

    def __reduce__(self) -> tuple[Callable[..., ProducerKeys], tuple[object, ...]]:
        # Workers get their settings pickled, which these keys cannot be.
        from server.codec.producers.keys import keys_as_der, keys_from_der

        return keys_from_der, (self.paths, *keys_as_der(self), dict(self.secrets))
