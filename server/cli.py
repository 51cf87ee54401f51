"""The ``lognotary`` command."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from server.commands import audit, check, checkpoint, journal, keys, prove, trace, verify
from server.commands.output import complain, escape_streams, say, say_json
from server.demo import run_demo
from server.errors.base import LognotaryError, run_reporting_errors
from server.process.log_setup import configure_logging, log_uncaught_errors
from server.settings.settings import add_flags, load_settings

if TYPE_CHECKING:
    from server.app import BoundAddresses

__all__ = ["build_parser", "main"]

_EXIT_CODES = "exit status: 0 all good, 1 a finding (or nothing found), 2 wrong usage or cannot run"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    escape_streams()
    parser = build_parser()
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    return run_reporting_errors(lambda: _run_until_interrupted(run, options), _report)


def _run_until_interrupted(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        return run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the pipe (head, a pager) has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _report(error: LognotaryError) -> int:
    complain(error)
    return error.exit_status


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="lognotary",
        description="An OpenTelemetry log backend that can prove what it stored.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"lognotary {version('lognotary')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server", description="Run the server.")
    add_flags(serve)
    serve.add_argument("--json", action="store_true", help="print the bound addresses as JSON")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser(
        "demo",
        help="run a self-contained demonstration",
        description="Start a server in a temporary directory, send it the records of a small shop, show a trace, "
        "verify everything, then tamper with a record and show that verification finds it.",
    )
    demo.set_defaults(run=lambda _: run_demo())

    for command in (trace, audit, verify, prove, check, checkpoint, keys, journal):
        command.add_parser(commands)
    return parser


def _serve(options: argparse.Namespace) -> int:
    # Imported here, so that other commands do not have to import the whole server.
    from server.app import run_server
    from server.process.ending import end_without_threads

    settings = load_settings(vars(options), os.environ)
    configure_logging(settings.log_level, settings.log_format)
    log_uncaught_errors()
    in_json = settings.log_format == "json"

    def on_ready(bound: BoundAddresses) -> None:
        addresses = {name: str(getattr(bound, name)) for name in ("otlp_grpc", "otlp_http", "api_grpc", "http")}
        if options.json or in_json:
            say_json(json.dumps({"ready": True, **addresses}))
        else:
            listing = " ".join(f"{name}={address}" for name, address in addresses.items())
            say(f"lognotary is ready: {listing}")

    def serve() -> int:
        asyncio.run(run_server(settings, on_ready))
        return 0

    def report(error: LognotaryError) -> int:
        if not in_json:
            return _report(error)
        logging.getLogger(__name__).critical("the server ended: %s", error)
        return error.exit_status

    return end_without_threads(run_reporting_errors(serve, report))
