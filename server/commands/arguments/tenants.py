"""Arguments of ``lognotary tenants``."""

from __future__ import annotations

from typing import Any

from server.access.tenants import check_tenant
from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_range, add_utc_flag
from server.commands.arguments.parser import CommandParser, examples, later, typed
from server.notary.errors import MalformedError

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tenants",
        description="Show the tenants of a server, and drop the data of one of them.",
        epilog=examples(
            "lognotary tenants list",
            "lognotary tenants list --since 30d --json",
            "lognotary tokens revoke shop",
            "lognotary tenants drop shop --reason 'contract 4711 has ended'",
            variables=API_VARIABLES,
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    _add_list(actions)
    _add_drop(actions)


def _add_list(actions: Any) -> None:
    show: CommandParser = actions.add_parser(
        "list",
        help="show what each tenant has sent, what is stored of it, and its limits",
        description="Show for each tenant what it has sent since the start of the server, how many of its records are "
        "stored, its logs and its limits. Records of the server's own, such as those of who looked, are stored too, "
        "so more may be stored than was sent. Shows no content of records. Sizes of stored records are estimates: a "
        "part of each table, as if all records were of the same size. With few records, the indexes take more room "
        "than the records.",
    )
    add_range(show, "only count stored records that were received at or after", "only count those received before")
    add_utc_flag(show)
    add_api_flag(show)
    show.set_defaults(overview=None, run=later("server.commands.tenants", "list_tenants"))


def _add_drop(actions: Any) -> None:
    drop = actions.add_parser(
        "drop",
        help="delete all records of a tenant",
        description="Delete the records of a tenant that were acknowledged before the command, with its disclosed "
        "values and the ids of its audit records. The tenant's logs first sign that these records may be gone, so that "
        "verification does not report them as missing. The hashes in these logs are kept, and the records of who "
        "looked. Records that are sent later are kept: revoke the tenant's tokens first. Refused while a legal hold "
        "covers a record of the tenant. If it fails, repeat it. Exit status 1 if there is no such tenant, or if other "
        "servers still have records of it. The drop has signed audit records. Only takes changes from callers "
        "with the role operator or admin or, if the server needs no credentials, from its own machine (setting "
        "administration).",
    )
    drop.add_argument("name", metavar="NAME", type=typed(_tenant), help="name of the tenant")
    drop.add_argument("--reason", metavar="TEXT", required=True, help="why its data are dropped, in one line")
    drop.add_argument("--yes", action="store_true", help="do not ask for the tenant's name again")
    drop.set_defaults(overview=None, run=later("server.commands.drop_tenant", "drop_tenant"))
    add_api_flag(drop)


def _tenant(text: str) -> str:
    try:
        return check_tenant(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
