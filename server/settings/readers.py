"""Readers of settings that name keys, files, witnesses and codecs; each raises ValueError or an error of its room."""

from __future__ import annotations

from pathlib import Path

from server.codec.choose import CODECS, why_not_native
from server.codec.redaction_keys import split_key
from server.codec.redaction_rules import PATTERNS, Mode
from server.errors.suggestions import not_one_of
from server.notary.handled_texts import as_written
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys, parse_public_keys
from server.settings.values import read_choice, read_list
from server.witness.settings import Witness, parse_witness

__all__ = [
    "read_codec",
    "read_file",
    "read_keys",
    "read_redaction",
    "read_redaction_keys",
    "read_redaction_patterns",
    "read_signed_streams",
    "read_witnesses",
]


def read_codec(text: str) -> str:
    """Parse the name of a codec, and check that the codec is installed."""
    codec = read_choice(text, CODECS)
    if codec == "native" and (missing := why_not_native()):
        raise ValueError(
            f"the compiled codec is not installed ({missing}): install Lognotary with a C++ compiler present"
        )
    return codec


def read_keys(text: str) -> TrustedKeys:
    """Read the public keys in files whose paths are separated by commas."""
    files = [Path(file) for file in read_list(text)]
    return parse_public_keys([as_written(file.read_bytes()) for file in files]) if files else TrustedKeys()


def read_signed_streams(text: str) -> frozenset[Stream]:
    """Parse the streams that are signed, separated by commas.

    Raises:
        ValueError: a stream does not exist, or audit is missing.
    """
    names = [name.lower() for name in read_list(text)]
    valid = [stream.value for stream in Stream]
    for name in names:
        if name not in valid:
            raise ValueError(not_one_of(name, valid))
    if Stream.AUDIT.value not in names:
        raise ValueError(
            "audit is missing: unsigned audit records prove nothing, since anyone who can write to storage can "
            "change them unnoticed. Give audit, or audit and other streams"
        )
    return frozenset(map(Stream, names))


def read_redaction(text: str) -> Mode:
    """Parse what becomes of secrets: ``off``, ``remove`` or ``hash``."""
    return Mode(read_choice(text, [mode.value for mode in Mode]))


def read_redaction_keys(text: str) -> tuple[str, ...]:
    """Parse names of secrets, separated by commas."""
    names = read_list(text)
    for name in names:
        if not split_key(name.encode()):
            raise ValueError(f"{name!r} has no word: give the name of a secret in keys, such as internal_code")
    return names


def read_redaction_patterns(text: str) -> tuple[str, ...]:
    """Parse rules for forms of secrets, separated by commas; ``all`` or ``none`` stand for themselves."""
    names = tuple(name.lower() for name in read_list(text))
    if names in (("all",), ("none",)):
        return PATTERNS if names == ("all",) else ()
    for name in names:
        if name not in PATTERNS:
            raise ValueError(not_one_of(name, (*PATTERNS, "all", "none")))
    return names


def read_witnesses(text: str) -> tuple[Witness, ...]:
    """Parse witnesses, separated by commas."""
    return tuple(map(parse_witness, read_list(text)))


def read_file(text: str) -> Path | None:
    """Parse the path of a file that must exist; None for an empty text."""
    if text and not Path(text).is_file():
        raise ValueError(f"the file {text} does not exist")
    return Path(text) if text else None
