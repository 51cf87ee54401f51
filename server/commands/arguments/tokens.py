"""Arguments of ``lognotary tokens``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from server.access.callers import Role
from server.access.errors import TokenError
from server.access.tenants import check_tenant
from server.access.tokens import check_token_name
from server.commands.arguments.options import API_VARIABLES, TOKEN_VARIABLE, add_address_flag
from server.commands.arguments.parser import CommandParser, examples, later, typed
from server.notary.errors import MalformedError
from server.notary.origin import Stream
from server.settings.flags import add_flags
from server.settings.values import read_choice, read_duration_with_unit

__all__ = ["add_parser"]

_FLAGS = ("data_dir", "tokens_file")
_READERS = (Role.VIEWER.value, Role.AUDITOR.value)


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tokens",
        description="Manage the tokens with which senders and programs authenticate. Works on the file of tokens in a "
        "server's data directory, whether or not the server runs; with --api, over the API of a running server. There, "
        "the role operator permits creating and rotating tokens of senders and operators, and listing and revoking "
        "all; the role admin permits everything. The setting administration can switch changes over the API off. A "
        "running server applies changes within a second. Only a digest of each token is kept.",
        epilog=examples(
            "lognotary tokens create checkout -o checkout.token",
            "lognotary tokens create grafana --role viewer --service checkout --expires 90d",
            "lognotary tokens rotate checkout --overlap 7d -o checkout.token",
            "lognotary tokens revoke checkout",
            "lognotary tokens revoke checkout --api https://logs.example:7317",
            variables=[(TOKEN_VARIABLE[0], "with --api: the token for it"), API_VARIABLES[-1]],
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    _add_create(actions)

    show = _add(actions, "list", "show all tokens", "list_tokens")
    show.add_argument("--json", action="store_true", help="print JSON")

    rotate = _add(
        actions,
        "rotate",
        "create a token that replaces one, and has its name, roles and limits",
        "rotate",
    )
    rotate.add_argument("name", metavar="NAME", help="name of the token")
    rotate.add_argument(
        "--overlap",
        type=typed(_seconds),
        metavar="DURATION",
        help="time for which the old token stays valid, such as 7d (default: until it is revoked)",
    )
    _add_output(rotate, "default: as long as the old one was made for")

    revoke = _add(actions, "revoke", "revoke a token, or all tokens of a name", "revoke")
    revoke.add_argument("token", metavar="NAME_OR_ID", help="name or ID of the token")


def _add_create(actions: Any) -> None:
    create = _add(actions, "create", "create a token, and print it: it is not shown again", "create")
    create.add_argument("name", metavar="NAME", type=_checked(check_token_name), help="name of who will have the token")
    roles = [role.value for role in Role]
    create.add_argument(
        "--role",
        metavar="|".join(roles),
        type=typed(lambda text: read_choice(text, roles)),
        action="append",
        default=[],
        help="what it may be used for; may be repeated (default: sender)",
    )
    tenants = create.add_mutually_exclusive_group()
    tenants.add_argument(
        "--tenant",
        metavar="TENANT",
        type=_checked(check_tenant),
        help="tenant to whom the records belong that are sent, and to which its roles are limited (default: the "
        "default tenant; the roles operator and admin are for the whole server then)",
    )
    tenants.add_argument("--all-tenants", action="store_true", help="let it read the records of all tenants")
    streams = [stream.value for stream in Stream]
    create.add_argument(
        "--stream",
        metavar="|".join(streams),
        type=typed(lambda text: read_choice(text, streams)),
        action="append",
        default=[],
        help="stream that may be sent to; may be repeated (default: all)",
    )
    for name, text in (("service", "service"), ("environment", "deployment environment")):
        create.add_argument(
            f"--{name}",
            metavar="NAME",
            action="append",
            default=[],
            help=f"only let it read records of this {text}; may be repeated",
        )
    _add_output(create, "default: it does not expire")
    create.add_check(_check_limits)


def _check_limits(options: argparse.Namespace) -> None:
    roles = set(options.role or [Role.SENDER.value])
    limits = [name for name in ("service", "environment") if getattr(options, name)]
    if options.all_tenants:
        limits.append("all-tenants")
    if limits and roles.isdisjoint(_READERS):
        raise ValueError(f"--{limits[0]} is about what may be read: give --role {' or '.join(_READERS)} too")
    if options.stream and roles.isdisjoint((Role.SENDER.value, Role.ADMIN.value)):
        raise ValueError(f"--stream is about what may be sent: give --role {Role.SENDER.value} too")


def _add_output(parser: CommandParser, default: str) -> None:
    parser.add_argument(
        "--expires",
        type=typed(_seconds),
        metavar="DURATION",
        help=f"time after which it is no longer valid, such as 90d ({default})",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to this file instead, which only its owner can read; if no token is made, leave it as it is",
    )
    parser.add_argument("--json", action="store_true", help="print the token and its attributes as JSON")


def _in_file_or_over_api(function: str) -> Callable[[argparse.Namespace], int]:
    in_file, over_api = later("server.commands.tokens", function), later("server.commands.tokens_over_api", function)

    def run(options: argparse.Namespace) -> int:
        return (in_file if options.api is None else over_api)(options)

    return run


def _check_place(options: argparse.Namespace) -> None:
    if options.api is None:
        return
    if options.api.address is None:  # a file of tokens (--tokens-file) may be meant
        raise ValueError("--token-file, --api-ca, --api-cert and --api-key are for the server's API: give --api too")
    for name in (*_FLAGS, "config"):
        if getattr(options, name, None) is not None:
            raise ValueError(f"--api and --{name.replace('_', '-')} are given: give one of them")


def _seconds(text: str) -> int:
    # Not a number alone: who means days must not end an old token after as many seconds.
    return max(1, round(read_duration_with_unit(text)))


def _checked(check: Any) -> Any:
    def read(text: str) -> str:
        try:
            return str(check(text))
        except (TokenError, MalformedError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _add(actions: Any, name: str, text: str, function: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, *_FLAGS)
    add_address_flag(
        parser, help_text="change the tokens of the server with this gRPC API, https://HOST:PORT if it has TLS"
    )
    parser.add_check(_check_place)
    parser.set_defaults(overview=None, run=_in_file_or_over_api(function))
    return parser
