"""``lognotary journal key``: make a key that encrypts journals; and the keys that commands read journals with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from server.commands.output import complain, say
from server.keys.journal_key import create_key_file, create_token_key, journal_keys
from server.log.journal_keys import JournalKeys, MasterKey, identify_key
from server.settings.secrets import pin_in_command
from server.settings.sources import gather
from server.settings.values import read_journal_key, read_list

__all__ = ["given_journal_keys", "make"]


def make(options: argparse.Namespace) -> int:
    """Make a key file, or a key in a token; return the exit status.

    Raises:
        KeyStoreError: the key exists already, or cannot be made.
    """
    if options.key.startswith("pkcs11:"):
        if problem := pin_in_command(options.key):
            complain(f"the URI {problem}")
        create_token_key(options.key)
        say("the token has a new AES-256 key: start the server with its URI as --journal-key")
        return 0
    key_id = identify_key(create_key_file(Path(options.key))).hex()
    say(
        f"{options.key} has a new key with the ID {key_id}: start the server with --journal-key {options.key}, and "
        "keep a copy of the file in another place"
    )
    return 0


def given_journal_keys(options: argparse.Namespace) -> JournalKeys:
    """Return the keys of journals that options, variables and the settings file name.

    Raises:
        KeyStoreError: a key cannot be read or used.
    """
    values = gather(vars(options), os.environ).values
    key = read_journal_key(values["journal_key"].text or "off")
    given = journal_keys(key, read_list(values["journal_retired_keys"].text))
    current = None if given.current is None else MasterKey(given.current, given.wrapped)
    return JournalKeys(current, given.retired, given.unwrap)
