"""Arguments whose values a server knows, for completion in a shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.commands.arguments.parser import CommandParser

__all__ = ["COMPLETE", "LOGS", "NAMES", "QUERY", "Wanted", "is_known", "wanted"]

COMPLETE = "__complete"
"""Command that completion scripts of shells run; not for people."""

QUERY, NAMES, LOGS = "(query)", "(names)", "(logs)"
"""Kinds of values other than values of a field: a query, names of fields and attributes, origins of logs."""

_OPTIONS = {
    ("audit", "--actor"): "actor",
    ("audit", "--effective-actor"): "effective_actor",
    ("audit", "--action"): "action",
    ("audit", "--target"): "target",
    ("audit", "--target-type"): "TargetType",
    ("audit", "--source"): "source",
    ("audit", "--rule"): "rule",
    ("audit", "--service"): "service",
    ("trace", "--service"): "service",
    ("facets", "--field"): NAMES,
    ("facets", "--names"): NAMES,
    ("verify", "--log"): LOGS,
    ("checkpoint", "--log"): LOGS,
}
_FIRST = {"actor": "actor", "target": "target", "near": ""}
"""Command -> field of its first argument, before a query; empty if no value is known."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value to complete.

    Attributes:
        kind: the field whose values are wanted, or one of the kinds above.
        stream: the stream that was given; empty for none.
        api: the server that was given; None for none.
    """

    kind: str
    stream: str = ""
    api: str | None = None


def is_known(command: str, option: str) -> bool:
    """Return whether a server knows the values of an option."""
    return (command, option) in _OPTIONS


def wanted(command: str, parser: CommandParser, words: Sequence[str]) -> Wanted | None:
    """Return the kind of the argument after some words; None if no server knows its values.

    Args:
        command: name of the command.
        parser: parser of the command.
        words: the arguments of the command before the one to complete.
    """
    given: dict[str, str] = {}
    arguments, option, literal = 0, "", False
    for word in words:
        if option:
            given[option], option = word, ""
        elif word == "--" and not literal:
            literal = True
        elif word.startswith("-") and not literal:
            action = parser._option_string_actions.get(word)
            option = word if action is not None and action.nargs != 0 else ""
        else:
            arguments += 1
    if option:
        kind = _OPTIONS.get((command, option), "")
    elif command in _FIRST and not arguments:
        kind = _FIRST[command]
    else:
        kind = QUERY if parser.takes_query else ""
    return Wanted(kind, given.get("--stream", ""), given.get("--api")) if kind else None
