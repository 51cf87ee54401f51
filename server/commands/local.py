"""Files and directories that the command line names."""

from __future__ import annotations

import argparse
from pathlib import Path

from server.commands.arguments.options import DEFAULT_DATA_DIR
from server.errors.files import unreadable
from server.notary.handled_texts import as_written
from server.settings.errors import ConfigError

__all__ = ["data_dir", "read_text"]


def data_dir(options: argparse.Namespace) -> Path | None:
    """Return the data directory that ``add_storage_flags`` asked for; None if only a public key is given."""
    if options.data_dir is None and options.public_key:
        return None
    return Path(options.data_dir or DEFAULT_DATA_DIR)


def read_text(file: str) -> str:
    """Read a file named on the command line.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return as_written(Path(file).read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(unreadable(file, error)) from error
