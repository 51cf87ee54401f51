"""Argument parser of all commands: terse errors with suggestions, options once, help with examples."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from server.commands.output import complain_lines
from server.errors.suggestions import did_you_mean, not_one_of

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["CommandParser", "examples", "later", "typed"]

_Value = TypeVar("_Value")

_EXCLUSION = re.compile(r"""-(?:["(]|[^-\s=:"(][^\s=:"(]*:)""")  # -field:value, -"a phrase", -(a OR b)


class HelpFormatter(argparse.HelpFormatter):
    """Help formatter that wraps paragraphs, and keeps indented lines as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        def fill(paragraph: str) -> str:
            if paragraph.startswith(" ") or "\n  " in paragraph:
                return textwrap.indent(paragraph, indent)
            return textwrap.fill(" ".join(paragraph.split()), width, initial_indent=indent, subsequent_indent=indent)

        return "\n\n".join(map(fill, text.split("\n\n")))


class CommandParser(argparse.ArgumentParser):
    """Parser of the command line or of one command.

    Attributes:
        takes_query: True if the command takes a query: words such as ``-outcome:success`` are then not options.
    """

    takes_query = False

    def __init__(self, **keywords: Any) -> None:
        """Create a parser; see ``argparse``. Options cannot be abbreviated, and can be given once only."""
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, **keywords)
        self.register("action", None, _Once)
        self._checks: list[Callable[[argparse.Namespace], None]] = []

    def add_check(self, check: Callable[[argparse.Namespace], None], *, first: bool = False) -> None:
        """Add a check of all arguments together, which raises ValueError if they cannot be used.

        Args:
            check: the check, which may also change the arguments.
            first: True to check before all others.
        """
        self._checks.insert(0 if first else len(self._checks), check)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; unknown ones end the process, with the most similar option."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._explain(unknown))
        for check in self._checks:
            try:
                check(parsed)
            except ValueError as error:
                self.error(str(error))
        return parsed, unknown

    def _parse_optional(self, arg_string: str) -> Any:
        # Before argparse takes -outcome:x as an unknown option, or as -o with the value utcome:x.
        if self.takes_query and _EXCLUSION.match(arg_string):
            return None
        return super()._parse_optional(arg_string)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and where help is, and exit with status 2."""
        complain_lines(f"{self.prog}: {message.removeprefix('argument ')}", f"see '{self.prog} --help'")
        self.exit(2)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # That of argparse ignores that nobody reads it.
        (file or sys.stderr).write(message)

    def _explain(self, unknown: Sequence[str]) -> str:
        options = [option for option in unknown if option.startswith("-")]
        if not options:
            return f"unexpected argument {unknown[0]!r}"
        name = options[0].partition("=")[0]
        return f"unknown option {name}{did_you_mean(name, self._option_string_actions)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        names = list(action.choices)
        if isinstance(action, argparse._SubParsersAction):
            what = (action.metavar or "command").lower() if isinstance(action.metavar, str) else "command"
            meant = did_you_mean(str(value), names) or f"; there are {', '.join(names)}"
            raise argparse.ArgumentError(None, f"unknown {what} {str(value)[:80]!r}{meant}")
        raise argparse.ArgumentError(action, not_one_of(str(value), names))


class _Once(argparse.Action):
    """Store a value; a second one is refused, because one of the two would be ignored."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store the value, or end the process."""
        given = namespace.__dict__.setdefault("given_once", set())
        if option_string and self.dest in given:
            parser.error(f"{option_string} is given twice: give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def typed(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return a reader of values, which raises ValueError, as a type for argparse that shows its message."""

    def parse(text: str) -> _Value:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def later(module: str, function: str = "run") -> Callable[[argparse.Namespace], int]:
    """Return a command whose module is imported when the command runs, and not for help or wrong usage."""

    def run(options: argparse.Namespace) -> int:
        command: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), function)
        return command(options)

    return run


def examples(*lines: str, variables: Iterable[tuple[str, str]] = ()) -> str:
    """Return the end of a help text: examples, and environment variables with their meaning."""
    parts = ["examples:\n" + "\n".join(f"  {line}" for line in lines)] if lines else []
    listed = "\n".join(f"  {name:<20}  {meaning}" for name, meaning in variables)
    if listed:
        parts.append(f"environment:\n{listed}")
    return "\n\n".join(parts)
