"""Parsers of the values of settings: each takes a text, and raises ValueError if the text is not a valid value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from server.codec.choose import CODECS, why_not_native
from server.notary.trust import TrustedKeys, parse_public_keys
from server.witness.settings import Witness, parse_witness

__all__ = [
    "Acknowledge",
    "Address",
    "parse_address",
    "read_acknowledge",
    "read_amount",
    "read_codec",
    "read_count",
    "read_days",
    "read_file",
    "read_format",
    "read_interval",
    "read_keys",
    "read_level",
    "read_list",
    "read_truth",
    "read_witnesses",
]


_MOST_DAYS = 18_250  # 50 years; beyond 2106, the end of ClickHouse's DateTime, a TTL would wrap to the past


class Acknowledge(Enum):
    """The moment at which a sender gets OK."""

    COMMIT = "commit"  # once its records, and the checkpoint over them, are in storage
    JOURNAL = "journal"  # once its records are on disk in the journal, from which they go to storage


@dataclass(frozen=True, slots=True)
class Address:
    """Address on which a server listens; port 0 stands for any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse ``host:port``; an IPv6 host is written in brackets.

    Raises:
        ValueError: the text is not an address.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port, such as 127.0.0.1:4317")
    return Address(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - ':4317' means everywhere


def read_count(text: str) -> int:
    """Parse a whole number greater than 0."""
    try:
        number = int(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a whole number") from error
    if number <= 0:
        raise ValueError(f"{text} is not greater than 0")
    return number


def read_amount(text: str) -> float:
    """Parse a number greater than 0."""
    number = float(text)
    if not number > 0:
        raise ValueError(f"{text} is not greater than 0")
    return number


def read_truth(text: str) -> bool:
    """Parse ``true`` or ``false``."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is not true or false")
    return text.lower() == "true"


def read_days(text: str) -> int | None:
    """Parse a number of days, such as ``30d``; None for ``forever``."""
    if text.lower() == "forever":
        return None
    if not text.endswith("d"):
        raise ValueError(f"{text!r} is not a number of days, such as 30d, or 'forever'")
    days = read_count(text[:-1])
    if days > _MOST_DAYS:
        raise ValueError(f"{text} is more than {_MOST_DAYS}d: give 'forever'")
    return days


def read_interval(text: str) -> float | None:
    """Parse hours or days, such as ``12h`` or ``7d``, and return seconds; None for ``off``."""
    if text.lower() == "off":
        return None
    units = {"h": 3600.0, "d": 86_400.0}
    try:
        return read_amount(text[:-1]) * units[text[-1:]]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{text!r} is not a number of hours or days, such as 12h or 7d, or 'off'") from error


def read_list(text: str) -> tuple[str, ...]:
    """Parse items that are separated by commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def read_codec(text: str) -> str:
    """Parse the name of a codec, and check that the codec is installed."""
    if text.lower() not in CODECS:
        raise ValueError(f"{text!r} is not {' or '.join(CODECS)}")
    if text.lower() == "native" and (missing := why_not_native()):
        raise ValueError(
            f"the compiled codec is not installed ({missing}): install Lognotary with a C++ compiler present"
        )
    return text.lower()


def read_acknowledge(text: str) -> Acknowledge:
    """Parse ``commit`` or ``journal``."""
    try:
        return Acknowledge(text.lower())
    except ValueError as error:
        raise ValueError(f"{text!r} is not commit or journal") from error


def read_format(text: str) -> str:
    """Parse the format of the server's log."""
    if text.lower() not in ("text", "json"):
        raise ValueError(f"{text!r} is not text or json")
    return text.lower()


def read_level(text: str) -> str:
    """Parse the level of the server's log."""
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise ValueError(f"{text!r} is not debug, info, warning or error")
    return text.lower()


def read_keys(text: str) -> TrustedKeys:
    """Read the public keys in files whose paths are separated by commas."""
    files = [Path(file.strip()) for file in text.split(",") if file.strip()]
    return parse_public_keys([file.read_text(encoding="utf-8") for file in files]) if files else TrustedKeys()


def read_witnesses(text: str) -> tuple[Witness, ...]:
    """Parse witnesses, separated by commas."""
    return tuple(map(parse_witness, read_list(text)))


def read_file(text: str) -> Path | None:
    """Parse the path of a file that must exist; None for an empty text."""
    if text and not Path(text).is_file():
        raise ValueError(f"the file {text} does not exist")
    return Path(text) if text else None
