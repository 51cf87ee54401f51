"""Arguments of ``lognotary classify``."""

from __future__ import annotations

import argparse
from typing import Any

from server.commands.arguments.parser import examples, later
from server.settings.flags import add_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "classify",
        description="Explain what the audit rules make of log records in a file: which rule matches a record and why, "
        "where each field of an audit record comes from, and which rules nearly match and why not. Takes the rules of "
        "the settings, as 'lognotary serve' does, and needs no server. A file has OTLP logs requests: one as JSON, one "
        "as protobuf, or many as the Collector's file exporter writes them. With --raw, it has lines of a log, or "
        "events as JSON. Exit status 1 if there is no record.",
        epilog=examples(
            "lognotary classify audit.json",
            "lognotary classify audit.json --config lognotary.toml --rule billing    # why does my rule not match?",
            "zstd -dc audit.json.zst | lognotary classify - --json",
            "lognotary classify --raw /var/log/auth.log                              # each line as a body",
            "lognotary classify --rules | sha256sum                                  # the digest in audit records",
            variables=[("LOGNOTARY_CONFIG", "the settings file, without --config")],
        ),
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="*", default=[], help="files with OTLP logs requests; - is the standard input"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="take each line for the body of a log record, without a resource and attributes; a file that is one JSON "
        "value on several lines is one body",
    )
    parser.add_argument(
        "--rule",
        metavar="NAME",
        action="append",
        default=[],
        help="explain only this rule: why it does not match, even if no condition holds; may be repeated",
    )
    parser.add_argument(
        "--rules",
        action="store_true",
        help="print the rules in force, the built-in ones included, as JSON; the SHA-256 of this text is the digest "
        'that every audit record has in OtlpDetails, as "rules"',
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show lines in full, and the sources of fields without a value",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object per record")
    add_flags(parser, "config")
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.classify"))


def _check(options: argparse.Namespace) -> None:
    if options.rules and (options.files or options.rule or options.raw):
        raise ValueError("--rules prints the rules and classifies nothing: leave out the files, --raw and --rule")
    if not options.rules and not options.files:
        what = "lines of a log" if options.raw else "OTLP logs requests"
        raise ValueError(f"name a file with {what}, or - for the standard input")
    if options.files.count("-") > 1:
        raise ValueError("- is given twice: the standard input can be read once")
