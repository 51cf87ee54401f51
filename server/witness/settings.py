"""Settings of witnesses and timestamp authorities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.notary.errors import KeyMaterialError
from server.notary.keys import VerifierKey

__all__ = ["TimestampAuthority", "Witness", "parse_witness"]


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness.

    Attributes:
        url: its submission prefix (C2SP tlog-witness), the parent of ``add-checkpoint``.
        key: its verifier key, of a cosignature type.
    """

    url: str
    key: VerifierKey

    def __post_init__(self) -> None:
        _check_url(self.url)
        if "?" in self.url:
            raise ValueError(f"a witness's URL must not have a query: {self.url!r}")
        if not self.key.key_type.timed:
            raise ValueError(f"a witness's key must have type 4 or 6, but the key of {self.key.name} does not")


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """A timestamp authority (RFC 3161).

    Attributes:
        url: URL for requests over HTTP.
        roots: a PEM file of the root certificates that its certificate must chain to. Without it, a timestamp is
            stored without verifying its signature.
        interval: seconds between timestamps of a log that grows.
    """

    url: str
    roots: Path | None = None
    interval: float = 3600.0

    def __post_init__(self) -> None:
        _check_url(self.url)
        if not 0 < self.interval < float("inf"):
            raise ValueError(f"the interval between timestamps must be more than 0 seconds, not {self.interval}")


def parse_witness(text: str) -> Witness:
    """Read a witness from a setting: ``<verifier key> <URL>``.

    Raises:
        ValueError: the text is not a witness; the message says why.
    """
    try:
        key, url = text.split()
    except ValueError as error:
        raise ValueError(f"a witness must be given as '<verifier key> <URL>', not {text!r}") from error
    try:
        return Witness(url.rstrip("/"), VerifierKey.parse(key))
    except KeyMaterialError as error:
        raise ValueError(f"the key of the witness at {url} cannot be used: {error}") from error


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"a URL must begin with http://<host> or https://<host>, not {url!r}")
    if parts.username is not None or parts.fragment:
        raise ValueError(f"a URL must not contain a user name, password or fragment here: {parts.hostname}")
