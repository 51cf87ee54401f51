"""``lognotary tenants drop``: drop the data of a tenant."""

from __future__ import annotations

import argparse
import sys

import grpc

from lognotary.v1 import administration_pb2 as messages
from lognotary.v1 import administration_pb2_grpc
from server.commands.api_client import call, to_json
from server.commands.output import complain, say, say_json, shown
from server.commands.user import user_name
from server.notary.counted import counted
from server.settings.errors import ConfigError

__all__ = ["drop_tenant"]


def drop_tenant(options: argparse.Namespace) -> int:
    """Drop the data of a tenant; return the exit status.

    Raises:
        ConfigError: the name of the tenant was not typed again.
    """
    if not options.yes:
        _check_meant(options.name)
    request = messages.DropTenantRequest(tenant=options.name, reason=options.reason, actor=user_name())

    def work(channel: grpc.Channel) -> int:
        answer = administration_pb2_grpc.AdministrationServiceStub(channel).DropTenant(request)
        if options.json:
            say_json(to_json(answer))
        else:
            _say(shown(answer))
        if answer.kept_logs:
            complain(
                "other servers write these logs, or processes that this server no longer has, so they still have "
                f"records of the tenant: {', '.join(answer.kept_logs)}. Run the command on each server, and start this "
                "one with as many workers as it had before"
            )
        return 1 if answer.kept_logs else 0

    return call(options.api, work)


def _check_meant(name: str) -> None:
    complain(f"this deletes all records of the tenant {name}, for good. To go on, type the name of the tenant again:")
    if sys.stdin is None or sys.stdin.readline().strip() != name:
        raise ConfigError(f"the name that was typed is not {name}: nothing was dropped (--yes drops without asking)")


def _say(answer: messages.DropTenantResponse) -> None:
    say(
        f"dropped {counted(answer.audit_records, 'audit record')}, "
        f"{counted(answer.operational_records, 'operational record')}, {counted(answer.spans, 'span')} and "
        f"{counted(answer.disclosed_values, 'disclosed value')} of the tenant {answer.tenant}"
    )
    say(*(f"    {log.origin}: the records of its first {log.entries} entries are gone" for log in answer.logs))
    say(
        "the hashes in these logs are kept, and the records of who looked. What the tenant's senders send from now on "
        "is kept too: to stop them, revoke their tokens with 'lognotary tokens revoke'"
    )
