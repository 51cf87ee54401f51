"""Options that several commands have: the server to ask, the storage to read, ranges of time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.commands.arguments.parser import CommandParser, typed
from server.settings.moments import TIME_FORMS, Moment, parse_moment

__all__ = [
    "API_VARIABLE",
    "API_VARIABLES",
    "DEFAULT_API",
    "DEFAULT_DATA_DIR",
    "TOKEN_VARIABLE",
    "ApiServer",
    "add_acknowledgement_flags",
    "add_address_flag",
    "add_api_flag",
    "add_csv_flag",
    "add_range",
    "add_storage_flags",
    "add_utc_flag",
    "zone_notes",
]

DEFAULT_API = "127.0.0.1:7317"
API_VARIABLE = ("LOGNOTARY_API", f"the server's gRPC API, without --api (default: {DEFAULT_API})")
TOKEN_VARIABLE = ("LOGNOTARY_TOKEN", "token for the server's API, without --token-file")
API_VARIABLES = (
    API_VARIABLE,
    TOKEN_VARIABLE,
    ("LOGNOTARY_API_CA", "CA of its certificate, without --api-ca; also LOGNOTARY_API_CERT and LOGNOTARY_API_KEY"),
)
DEFAULT_DATA_DIR = "data"


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The server to ask, as given on the command line; None for what is in a variable, or has a default.

    Attributes:
        address: ``host:port`` or ``https://host:port``.
        ca: file with the CA of its certificate.
        cert: file with a client certificate.
        key: file with the key of the client certificate.
        token_file: file with the token for it.
    """

    address: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    token_file: str | None = None


def add_api_flag(parser: CommandParser, *, json_help: str = "print JSON (protobuf's JSON mapping)") -> None:
    """Add ``--api`` and ``--json``."""
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help=json_help)


def add_address_flag(
    parser: CommandParser,
    *,
    help_text: str = f"the server's gRPC API (default: {DEFAULT_API}), https://HOST:PORT if it has TLS",
) -> None:
    """Add ``--api`` and what its connection takes; ``options.api`` becomes an ``ApiServer``, None if none is given."""
    parser.add_argument("--api", metavar="HOST:PORT", help=help_text)
    parser.add_argument("--api-ca", metavar="FILE", help="PEM file of the CA of the server's certificate; implies TLS")
    parser.add_argument("--api-cert", metavar="FILE", help="PEM file of the client certificate to show to the server")
    parser.add_argument("--api-key", metavar="FILE", help="PEM file of the client certificate's private key")
    parser.add_argument(
        "--token-file", metavar="FILE", help=f"file with the token for the API (default: {TOKEN_VARIABLE[0]})"
    )
    parser.add_check(_take_api)


def _take_api(options: argparse.Namespace) -> None:
    names = ("api_ca", "api_cert", "api_key", "token_file")
    given = ApiServer(options.api, *(vars(options).pop(name) for name in names))
    options.api = None if given == ApiServer() else given


def add_storage_flags(parser: CommandParser, *, key_help: str, data_dir_help: str) -> None:
    """Add ``--storage``, and the sources of trusted keys: ``--public-key`` and ``--data-dir``."""
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="read this storage directly: chdb:///path or http(s)://host:8123/db (default: lognotary)",
    )
    parser.add_argument("--public-key", metavar="FILE", action="append", default=[], help=key_help)
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help=f"with --storage: {data_dir_help} (default: {DEFAULT_DATA_DIR}, unless a key is given)",
    )


def add_acknowledgement_flags(parser: CommandParser) -> None:
    """Add ``--acknowledgements`` and ``--acknowledgement-key``."""
    parser.add_argument(
        "--acknowledgements",
        metavar="PATH",
        action="append",
        default=[],
        help="signed acknowledgements of findings, as 'lognotary findings acknowledge' makes them: a file, or a "
        "directory with files *.note, besides those in the server's data directory; may be repeated",
    )
    parser.add_argument(
        "--acknowledgement-key",
        metavar="FILE",
        action="append",
        default=[],
        help="public key (PEM) of somebody who may acknowledge findings, besides the keys of the logs; may be repeated",
    )


def add_range(parser: CommandParser, since: str, until: str) -> None:
    """Add ``--since`` and ``--until``, in this order; help texts get the valid forms."""
    for name, text in (("--since", since), ("--until", until)):
        parser.add_argument(name, type=typed(parse_moment), metavar="TIME", help=f"{text}: {TIME_FORMS}")
    parser.add_check(_check_range)


def _check_range(options: argparse.Namespace) -> None:
    if options.since and options.until and options.since.nanos >= options.until.nanos:
        raise ValueError("--since is not before --until, so nothing can be between them")


def add_csv_flag(parser: CommandParser) -> None:
    """Add ``--csv`` beside ``--json``."""
    parser.add_argument("--csv", action="store_true", help="print CSV (RFC 4180) with a header, for spreadsheets")
    parser.add_check(_check_formats)


def _check_formats(options: argparse.Namespace) -> None:
    if options.csv and options.json:
        raise ValueError("--csv and --json are given: give one of them")


def add_utc_flag(parser: CommandParser) -> None:
    """Add ``--utc``: for times in the output, and for times without a zone in the options of ``add_range``."""
    parser.add_argument(
        "--utc",
        action="store_true",
        help="show times in UTC, and take times without a zone as UTC (default: the local time zone, TZ)",
    )
    parser.add_check(_take_as_utc, first=True)


def _take_as_utc(options: argparse.Namespace) -> None:
    for name, value in list(vars(options).items()) if options.utc else ():
        setattr(options, name, _in_utc(value))


def _in_utc(value: Any) -> Any:
    if isinstance(value, Moment) and value.assumed:
        return parse_moment(value.text, utc=True)
    return type(value)(map(_in_utc, value)) if isinstance(value, (list, tuple)) else value


def zone_notes(options: argparse.Namespace) -> Iterator[str]:
    """Return a sentence for each time whose zone was assumed."""
    for name, value in vars(options).items():
        for item in value if isinstance(value, list) else [value]:
            moment = item[1] if isinstance(item, tuple) and len(item) == 2 else item
            if isinstance(moment, Moment) and moment.assumed:
                yield f"--{name.replace('_', '-')} is {moment.assumed}; for another, add Z (UTC) or an offset"
