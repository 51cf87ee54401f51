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
        "as protobuf, or many as the Collector's file exporter writes them. Exit status 1 if there is no record.",
        epilog=examples(
            "lognotary classify audit.json",
            "lognotary classify audit.json --config lognotary.toml --rule billing    # why does my rule not match?",
            "zstd -dc audit.json.zst | lognotary classify - --json",
            "lognotary classify --rules | sha256sum                                  # the digest in audit records",
            variables=[("LOGNOTARY_CONFIG", "the settings file, without --config")],
        ),
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="*", default=[], help="files with OTLP logs requests; - is the standard input"
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
    if options.rules and (options.files or options.rule):
        raise ValueError("--rules prints the rules and classifies nothing: leave out the files and --rule")
    if not options.rules and not options.files:
        raise ValueError("name a file with OTLP logs requests, or - for the standard input")
    if options.files.count("-") > 1:
        raise ValueError("- is given twice: the standard input can be read once")
