"""The commands in groups, and the help text of ``lognotary`` itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import CommandParser, examples
from server.errors.suggestions import did_you_mean

__all__ = ["COMMANDS", "Overview"]

COMMANDS = {
    "run": {
        "serve": "run the server",
        "demo": "run a self-contained demonstration",
        "status": "show whether a server works, its logs, and its self-verification",
    },
    "query": {
        "trace": "show a trace as a timeline",
        "search": "search all records by a query",
        "histogram": "count the records of a query by time",
        "facets": "show the most frequent values of fields, in the records of a query",
        "audit": "search audit events",
        "traces": "find traces by what happened in them",
        "actor": "show everything that an actor did",
        "target": "show everything that was done to a target",
        "near": "show the records around a record",
        "tail": "show the records of a query as they are committed",
        "export": "write all records of a query to a file, with a signed manifest",
    },
    "evidence": {
        "verify": "verify stored records against what was signed",
        "findings": "list findings, and acknowledge those that are known",
        "prove": "write an evidence bundle that proves a record",
        "check": "check an evidence bundle written by 'prove', or a file written by 'export'",
        "checkpoint": "print a log's signed checkpoint",
    },
    "administration": {
        "config": "check and show the settings",
        "classify": "explain what the audit rules make of records in a file",
        "login": "log in at a server, in a browser",
        "logout": "forget the login at a server",
        "whoami": "show as whom a server knows you, and your roles",
        "keys": "list, replace and export signing keys",
        "tokens": "create, list, replace and revoke tokens of senders and programs",
        "tenants": "show what tenants send and what is stored of them, and drop the data of one",
        "sessions": "list and end the sessions of people who have logged in",
        "tls": "make certificates to try TLS",
        "hold": "add, list and release legal holds, which keep records beyond their retention",
        "disclose": "show the values to which a record has commitments",
        "erase": "erase values to which records have commitments",
        "grants": "print the rights that a user of ClickHouse needs, as SQL",
        "journal": "inspect the journal: batches that are signed but may not be stored yet",
        "completion": "print a completion script for bash, zsh or fish",
    },
}
"""Group -> command -> what it does."""

_DESCRIPTION = "An OpenTelemetry log backend that can prove what it stored."
_EXIT_CODES = "exit status: 0 all good, 1 a finding (or nothing found), 2 wrong usage or cannot run"
_EXAMPLES = examples(
    "lognotary serve                                     # store in ./data; OTLP on ports 4317 and 4318",
    "lognotary trace 4bf92f3577b34da6a3ce929d0e0e4736    # what happened",
    "lognotary search 'order refused severity:>=error'   # where does it go wrong?",
    "lognotary audit --actor alice --since 2h            # who did it",
    "lognotary verify                                    # is it what was signed?",
    variables=[
        *API_VARIABLES,
        ("LOGNOTARY_CONFIG", "settings file of commands that have --config, without that option"),
        ("LOGNOTARY_…", "any of their settings: LOGNOTARY_BATCH_AGE is --batch-age, and batch_age in the file"),
        ("NO_COLOR", "if set, output has no colours"),
    ],
)


class Overview(CommandParser):
    """Parser of the command line, whose help lists the commands in groups."""

    def __init__(self, **keywords: Any) -> None:
        """Create the parser."""
        super().__init__(prog="lognotary", **keywords)

    def command(self, name: str) -> CommandParser | None:
        """Return the parser of a command; None if there is no such command."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action.choices.get(name)
        return None

    def check_order(self, words: Sequence[str]) -> None:
        """End the process if an option of a command stands before the command."""
        option = words[0].partition("=")[0] if words else ""
        if not option.startswith("-") or did_you_mean(option, self._option_string_actions):
            return
        command = next((word for word in words if any(word in group for group in COMMANDS.values())), "")
        if command:
            self.error(f"{option} comes before the command: give it after 'lognotary {command}'")

    def format_help(self) -> str:
        """Return the help text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from ("usage: lognotary [-h] [--version] COMMAND ...", "", _DESCRIPTION, "")
        for group, commands in COMMANDS.items():
            yield f"{group}:"
            for name, text in commands.items():
                yield f"  {name:<11} {text}"
            yield ""
        yield from (
            "options:",
            "  -h, --help  show this help, or with a command its help; so does 'lognotary help COMMAND'",
            "  --version   show the version",
        )
        yield from ("", _EXAMPLES, "", _EXIT_CODES, "")
