"""Arguments of ``lognotary check``, which is implemented in the standalone file ``server/check.py``."""

from __future__ import annotations

from typing import Any

from server.check import add_arguments, run
from server.commands.arguments.parser import examples

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
        description="Check that a bundle proves its record: the record's hash, the inclusion proof, the checkpoint, "
        "its signatures across key changes, and that the readable text agrees with the record. Given a manifest "
        "too, check that a file is the export that a server signed. Needs no server, no storage and no network. Exit "
        "status 1 if any check fails.",
        epilog=examples(
            "lognotary check bundle --public-key public-key.pem",
            "lognotary check record.html --public-key public-key.pem",
            "lognotary check audit.csv audit.manifest --public-key verifier-keys.txt",
        ),
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
