"""Arguments of ``lognotary export``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from server.commands.arguments.audit import add_filters
from server.commands.arguments.options import API_VARIABLES, add_address_flag, add_utc_flag
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import add_event_range, add_query, add_storage_source, add_stream_flag
from server.settings.values import read_choice

__all__ = ["add_parser"]

_FORMATS = ("ndjson", "jsonl", "csv", "parquet", "arrow", "ocsf")


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        description="Write all records of a query to a file, each with its log, leaf and SHA-256, and a manifest that "
        "the server signs: 'lognotary check FILE MANIFEST' checks both without a server. Every record is verified; "
        "those that are not what was signed are left out and counted. Asks a running server, or reads the storage "
        "directly with --storage, without a manifest. Exit status 1 if nothing was exported, or records were left out "
        "that were tampered with or never signed. A file that is there is never overwritten, and none is left if the "
        "export fails, or nothing matches.",
        epilog=examples(
            "lognotary export 'actor:alice' --since 30d --format csv -o alice.csv --manifest alice.manifest",
            "lognotary export --stream audit --format parquet -o audit.parquet --manifest audit.manifest",
            "lognotary export --actor alice --since 30d --format ocsf -o alice.ocsf --manifest alice.manifest",
            "lognotary export 'severity:>=error' --columns Timestamp,ServiceName,Body --format csv -o - | less",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "the query, as for 'lognotary search'; without any, all audit events and logs")
    parser.add_argument(
        "--format",
        metavar="|".join(_FORMATS),
        default="ndjson",
        type=typed(partial(read_choice, valid=_FORMATS)),
        help="format of the file (default: ndjson; jsonl is another name of it; ocsf has audit events only)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file; - is the standard output")
    parser.add_argument("--manifest", metavar="FILE", help="file for the signed manifest")
    add_stream_flag(parser, "")
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        default="",
        help="columns, separated by commas, beside those of every row (default: all)",
    )
    add_filters(parser, "filters, as of 'lognotary audit'; a record must match the query and all of them")
    add_event_range(parser, "records")
    add_utc_flag(parser)
    add_storage_source(parser)
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.export"))


def _check(options: argparse.Namespace) -> None:
    if options.manifest and options.storage:
        raise ValueError("--manifest needs a server, which signs it: leave --storage out")
    if options.manifest == "-":
        raise ValueError("--manifest names a file: it cannot be the standard output")
    if options.manifest and options.manifest == options.output:
        raise ValueError("--manifest and --output name the same file")
    if options.format == "ocsf" and options.stream not in (None, "audit"):
        raise ValueError("--format ocsf is for audit events: leave --stream out, or use --stream audit")
    if options.format == "ocsf" and options.columns:
        raise ValueError("--columns cannot be used with --format ocsf, whose events have the whole record")
