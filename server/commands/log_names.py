"""Lists of logs that must be in storage, kept in a file."""

from __future__ import annotations

import re

from server.commands.local import read_text
from server.escaping.visible import visible
from server.notary.errors import MalformedError
from server.notary.origin import LogName
from server.settings.errors import ConfigError

__all__ = ["read_log_names"]

_LOG_ID = re.compile("[0-9a-f]{16}")


def read_log_names(file: str) -> list[str]:
    """Return the origins and IDs of logs in a file, one on a line; empty lines, and lines from ``#`` on, are skipped.

    Raises:
        ConfigError: the file cannot be read, has a line that names no log, or names none at all.
    """
    lines = [line.strip() for line in read_text(file).splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    for name in names:
        if not _names_log(name):
            raise ConfigError(
                f"--logs-file: {file} has the line '{visible(name, 100)}', which names no log: each line needs an "
                "origin, such as shop/audit/node-1, or an ID of 16 hexadecimal digits"
            )
    if not names:
        raise ConfigError(
            f"--logs-file: {file} names no log; to make such a list: lognotary checkpoint --list --origins -o {file}"
        )
    return names


def _names_log(name: str) -> bool:
    try:
        return bool(_LOG_ID.fullmatch(name) or LogName.parse(name))
    except MalformedError:
        return False
