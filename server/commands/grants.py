"""``lognotary grants``: print the rights that a user of ClickHouse needs."""

from __future__ import annotations

import argparse

from server.commands.output import say_signed
from storage.roles import Role, grants

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    user = options.role if options.user is None else options.user
    say_signed("".join(f"{line};\n" for line in grants(Role(options.role), user, options.database)))
    return 0
