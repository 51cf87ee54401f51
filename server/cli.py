"""The ``lognotary`` command."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from server.commands.arguments.options import zone_notes
from server.commands.arguments.overview import COMMANDS, Overview
from server.commands.arguments.parser import CommandParser, examples
from server.commands.arguments.values import COMPLETE
from server.commands.output import complain, complain_lines, escape_streams, say, say_json
from server.errors.base import LognotaryError, run_reporting_errors
from server.errors.files import reason_of
from server.settings.errors import ConfigError
from server.settings.flags import add_flags

if TYPE_CHECKING:
    from server.app import BoundAddresses

__all__ = ["build_parser", "main"]


_BROKEN_PIPE = 128 + signal.SIGPIPE  # as a shell sees a program that the signal ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    if sys.stderr is None:  # closed: 2>&-
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - as long as the process
    if sys.stdout is None:
        complain("the standard output is closed: redirect it to a file, or to /dev/null")
        return 2
    escape_streams()
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        try:
            return _run(given)
        finally:
            sys.stdout.flush()  # help texts
    except BrokenPipeError:
        return _end_unread()
    except OSError as error:  # help texts and messages that cannot be written
        with contextlib.suppress(OSError):
            complain(f"the output cannot be written: {reason_of(error)}")
        _drop_unwritten()
        return 2


def _run(given: Sequence[str]) -> int:
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    if given[:1] == [COMPLETE]:
        return _complete(given[1:])
    parser = build_parser(next((word for word in given if not word.startswith("-")), ""))
    parser.check_order(given)
    options = parser.parse_args(given)
    if options.overview is not None:  # a command that needs another word
        complain_lines(*options.overview.format_help().splitlines())
        return 2
    for note in zone_notes(options):
        complain(note)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run_reporting_errors(lambda: _run_until_interrupted(run, options), _report)
    except UnicodeEncodeError:
        # A path may be of any bytes, so only what has to be text is checked, where it becomes a part of a message.
        wrong = next((word for word in given if not _is_text(word)), None)
        if wrong is None:
            raise
        complain(f"the argument {wrong!r} is not text in UTF-8: give it in UTF-8")
        return 2


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _complete(words: Sequence[str]) -> int:
    from server.commands.server_values import complete

    return complete(words, build_parser(words[0]).command(words[0]) if words else None)


def _run_until_interrupted(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        return run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _end_unread()


def _end_unread() -> int:
    """Return the exit status if the reader of the output has closed it: not 0, because findings may be unread."""
    _drop_unwritten()
    return _BROKEN_PIPE


def _drop_unwritten() -> None:
    """Drop what cannot be written, which Python would report once more as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report(error: LognotaryError) -> int:
    for problem in error.problems if isinstance(error, ConfigError) else [error]:
        complain(problem)
    _drop_unwritten()
    return error.exit_status


def build_parser(only: str | None = None) -> Overview:
    """Build the parser of the command line.

    Args:
        only: the command that is needed, so that modules of others are not imported; None for all.
    """
    parser = Overview()
    parser.add_argument("--version", nargs=0, action=_Version, help="show the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=CommandParser)
    own = {"serve": _add_serve, "demo": _add_demo, "completion": _add_completion}
    for name in (name for group in COMMANDS.values() for name in group):
        if only not in (None, name):
            commands.add_parser(name)
        elif name in own:
            own[name](commands)
        else:
            importlib.import_module(f"server.commands.arguments.{name}").add_parser(commands)
        command = commands.choices[name]
        if command.get_default("overview") is None:
            command.set_defaults(overview=None)
    parser.set_defaults(overview=parser)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        say(f"lognotary {version('lognotary')}")
        parser.exit()


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser(
        "serve",
        description="Run the server.",
        epilog=examples(
            "lognotary serve",
            "lognotary serve --storage http://user:password@clickhouse:8123/lognotary --workers 4",
            "lognotary serve --config /etc/lognotary.toml --batch-age 500ms --journal-bytes 4GiB",
            variables=[
                ("LOGNOTARY_CONFIG", "the settings file, without --config"),
                ("LOGNOTARY_…", "any setting: LOGNOTARY_BATCH_AGE is --batch-age, and batch_age in the file"),
            ],
        )
        + "\n\nA size is a number of bytes, or has a unit: 10MB (powers of 1000), 1GiB (powers of 1024). A duration "
        "is a number of seconds, or has a unit: 250ms, 10s, 5m, 12h, 7d, 1w. Options override variables, variables "
        "override the file. 'lognotary config show' shows what applies.",
    )
    add_flags(serve)
    serve.add_argument("--json", action="store_true", help="print the bound addresses as JSON")
    serve.set_defaults(run=_serve)


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        description="Start a server in a temporary directory, send it the records of a small shop, show a trace, "
        "verify everything, then tamper with a record and show that verification finds it.",
    )
    demo.add_argument(
        "--keep",
        action="store_true",
        help="leave the server running with its records, also the changed one, to look at them in a browser; Ctrl-C "
        "stops it and removes the directory",
    )
    demo.set_defaults(run=_demo)


def _add_completion(commands: Any) -> None:
    from server.commands.completion import SHELLS

    completion = commands.add_parser(
        "completion",
        description="Print a script that completes commands, options and their values in a shell.",
        epilog=examples(
            "source <(lognotary completion bash)                     # in ~/.bashrc",
            "source <(lognotary completion zsh)                      # in ~/.zshrc, after compinit",
            "lognotary completion fish | source                      # in ~/.config/fish/config.fish",
        ),
    )
    completion.add_argument("shell", choices=SHELLS, metavar="|".join(SHELLS), help="the shell")
    completion.set_defaults(run=_completion)


def _completion(options: argparse.Namespace) -> int:
    from server.commands.completion import completion_script

    say(*completion_script(options.shell, build_parser()).splitlines())
    return 0


def _demo(options: argparse.Namespace) -> int:
    from server.demo import run_demo

    return run_demo(keep=options.keep)


def _serve(options: argparse.Namespace) -> int:
    # Imported step by step, so that wrong settings are told before the whole server is imported.
    from server.settings.secrets import secret_warnings
    from server.settings.settings import check_settings
    from server.settings.sources import gather

    sources = gather(vars(options), os.environ)
    settings, problems = check_settings(sources)
    if settings is None:
        if sources.values["log_format"].text.lower() != "json":
            raise ConfigError(*problems)
        from server.process.log_setup import configure_logging

        configure_logging("info", "json")
        for problem in problems:
            logging.getLogger(__name__).critical("the server cannot start: %s", problem)
        return ConfigError.exit_status

    import asyncio

    from server.app import run_server
    from server.explorer.assets import built_files, why_not_built
    from server.process.ending import end_without_threads
    from server.process.lifecycle import ignore_signals
    from server.process.log_setup import configure_logging, log_uncaught_errors
    from server.process.start_report import explorer_url

    configure_logging(settings.log_level, settings.log_format)
    log_uncaught_errors()
    for warning in secret_warnings(sources):
        logging.getLogger(__name__).warning(warning)
    in_json = settings.log_format == "json"

    def on_ready(bound: BoundAddresses) -> None:
        addresses = {name: str(getattr(bound, name)) for name in ("otlp_grpc", "otlp_http", "api_grpc", "http")}
        if options.json or in_json:
            say_json(json.dumps({"ready": True, **addresses}))
        else:
            listing = " ".join(f"{name}={address}" for name, address in addresses.items())
            explorer = f"the explorer is at {explorer_url(bound.http, has_tls='http' in settings.tls)}"
            say(f"lognotary is ready: {listing}", *([] if why_not_built(built_files()) else [explorer]))

    async def run() -> None:
        try:
            await run_server(settings, on_ready)
        finally:
            ignore_signals()

    def serve() -> int:
        asyncio.run(run())
        return 0

    def report(error: LognotaryError) -> int:
        if not in_json:
            return _report(error)
        logging.getLogger(__name__).critical("the server ended: %s", error)
        return error.exit_status

    return end_without_threads(run_reporting_errors(serve, report))
