"""``lognotary check``: check an evidence bundle, without a server, a storage or a network."""

from __future__ import annotations

from typing import Any

from server.check import add_arguments, run

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command, which is implemented in the standalone file ``server/check.py``."""
    parser = commands.add_parser(
        "check",
        help="check an evidence bundle written by 'prove'",
        description="Check that a bundle proves its record: the record's hash, the inclusion proof, the checkpoint, "
        "its signatures across key changes, and that the readable text agrees with the record. Needs no "
        "server, no storage and no network. Exit status 1 if any check fails.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
