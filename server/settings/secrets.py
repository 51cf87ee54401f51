"""Secrets among the settings: passwords, PINs and keys that stand in no command line, message or log.

A secret is a setting of the kind ``SECRET``, which has no flag: a variable, or a key of the settings file. A second
setting, whose name ends with ``_file``, is the path of a file that has the secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from server.errors.files import is_exposed, reason_of
from server.settings.hidden import PIN_SOURCE, PIN_VALUE, URL_PASSWORD
from server.settings.sources import Given, Origin, Sources
from server.settings.table import SETTINGS, Kind

__all__ = ["FILE_SUFFIX", "pin_in_command", "read_secret_file", "secret_of", "secret_warnings"]

FILE_SUFFIX = "_file"
"""End of the name of a setting that is the path of a file with a secret."""

_MOST_BYTES = 64 << 10


def secret_of(values: Mapping[str, Given], name: str) -> str:
    """Return a secret; empty if it is not given.

    Args:
        values: value of each setting, by name.
        name: name of the secret's setting; the one of its file has ``_file`` behind it.

    Raises:
        ValueError: the file cannot be read or is empty, or the secret is given twice.
    """
    given, file = values[name], values[name + FILE_SUFFIX]
    if given.text and file.text:
        raise ValueError(f"{name} is given too, by {given.place.rpartition(': ')[0] or given.place}: leave out one")
    return read_secret_file(Path(file.text)) if file.text else given.text


def read_secret_file(file: Path) -> str:
    """Return the secret in a file; one trailing line break is not part of it.

    Raises:
        ValueError: the file cannot be read, is empty, or is not text in UTF-8.
    """
    try:
        with file.open("rb") as opened:
            secret = opened.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {file} cannot be read: {reason_of(error)}") from None
    secret = secret.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError(f"the file {file} is empty: write the secret into it")
    return secret


def secret_warnings(sources: Sources) -> Iterator[str]:
    """Yield a warning for each secret that others on this machine can read: in the list of processes, or in a file."""
    for name, given in sources.values.items():
        for file in PIN_SOURCE.findall(given.text):
            yield from _exposed(Path(unquote(file)), f"{given.place}: the file of the PIN")
        if given.origin is not Origin.OPTION:
            continue
        if URL_PASSWORD.search(given.text):
            apart = f"{name}_password_file"
            yield (
                f"{given.place} has a password, which the list of processes shows to everyone on this machine: "
                + (f"leave it out of the URL, and give {apart}" if apart in sources.values else "use a variable")
            )
        if problem := pin_in_command(given.text):
            yield f"{given.place} {problem}"
    if sources.file and any(_is_secret(sources, name) for name in sources.values):
        yield from _exposed(Path(sources.file), "the settings file has secrets and")
    for setting in SETTINGS:
        named = sources.values.get(setting.name + FILE_SUFFIX)
        if setting.kind is Kind.SECRET and named and named.text:
            yield from _exposed(Path(named.text), f"{named.place}: the file")


def pin_in_command(uri: str) -> str:
    """Return a warning about the PIN in a PKCS #11 URI that was given on the command line; empty if it has none."""
    if not PIN_VALUE.search(uri):
        return ""
    return (
        "has a PIN (pin-value), which the list of processes shows to everyone on this machine: write it to a file, and "
        "give pin-source=file:/path"
    )


def _is_secret(sources: Sources, name: str) -> bool:
    given = sources.values[name]
    kinds = {setting.name: setting.kind for setting in SETTINGS}
    in_clear = URL_PASSWORD.search(given.text) or PIN_VALUE.search(given.text)
    return given.origin is Origin.FILE and bool(in_clear or (kinds.get(name) is Kind.SECRET and given.text))


def _exposed(file: Path, what: str) -> Iterator[str]:
    try:
        status = os.stat(file)  # noqa: PTH116 - as in other checks
    except OSError:
        return
    if is_exposed(status):
        yield f"{what} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {file}"
