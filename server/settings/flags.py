"""The flags of settings on the command line. It imports little: every command needs it."""

from __future__ import annotations

import argparse
from typing import Any

from server.settings.table import DEFAULT_FILE, GROUPS, SETTINGS, Kind

__all__ = ["add_flags"]


def add_flags(parser: argparse.ArgumentParser, *names: str, hidden: bool = False) -> None:
    """Add the flags of the named settings, or of all settings in groups, to a command's parser.

    Args:
        parser: the parser.
        names: names of the settings, or ``config`` for ``--config`` alone; none for all.
        hidden: leave the settings out of the help text, for commands that refer to another command's help.
    """
    if not names:
        parser.usage = "%(prog)s [OPTIONS]"  # dozens
    chosen = [
        setting
        for setting in SETTINGS
        if (not names or setting.name in names) and setting.kind is not Kind.SECRET  # the list of processes shows flags
    ]
    holder: argparse._ActionsContainer = parser
    for group in ("settings",) if names or hidden else GROUPS:
        holder = parser.add_argument_group(group)
        for setting in chosen:
            if group in ("settings", setting.group):
                shown = f" (default: {setting.default})" if setting.default else ""
                # A truth may be given by its flag alone.
                bare: dict[str, Any] = {"nargs": "?", "const": "true"} if setting.kind is Kind.TRUTH else {}
                holder.add_argument(
                    setting.flag,
                    action="store",
                    **bare,
                    dest=setting.name,
                    metavar="|".join(setting.choices) or setting.kind.value,
                    help=argparse.SUPPRESS if hidden else setting.help + shown,
                )
    holder = holder if names else parser
    holder.add_argument(
        "--config",
        action="store",
        metavar="FILE",
        help=f"settings file (default: {DEFAULT_FILE}, if there is one)",
    )
