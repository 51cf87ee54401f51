"""Arguments of ``lognotary config``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later
from server.settings.flags import add_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "config",
        description="Check the settings of a server, or show them with their origins. Takes the same options, "
        "variables and file as 'lognotary serve', and starts nothing.",
        epilog=examples(
            "lognotary config check --config /etc/lognotary.toml",
            "lognotary config show --batch-age 500ms",
            variables=[("LOGNOTARY_CONFIG", "the settings file, without --config"), ("LOGNOTARY_…", "any setting")],
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    check = actions.add_parser(
        "check",
        help="say whether the settings are valid, or all that is wrong with them",
        description="Say whether the settings are valid, or all that is wrong with them, with file and line. Takes all "
        "options of 'lognotary serve'. Exit status 1 if the settings are not valid.",
    )
    check.add_argument("--json", action="store_true", help="print JSON")
    show = actions.add_parser(
        "show",
        help="show each setting with its origin",
        description="Show each setting, as in the settings file, with its origin: default, file, variable or option. "
        "Passwords and PINs are hidden. Takes all options of 'lognotary serve'. Exit "
        "status 1 if the settings are not valid.",
    )
    show.add_argument("--json", action="store_true", help="print JSON")
    for action, function in ((check, "check"), (show, "show")):
        add_flags(action, hidden=True)
        action.set_defaults(overview=None, run=later("server.commands.config", function))
