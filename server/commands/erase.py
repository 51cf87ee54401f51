"""``lognotary erase``: erase values to which records have commitments."""

from __future__ import annotations

import argparse
import getpass

import grpc

from lognotary.v1 import disclosures_pb2 as messages
from lognotary.v1 import disclosures_pb2_grpc
from server.commands.api_client import call, to_json
from server.commands.output import complain, say, say_json
from server.notary.counted import counted

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    request = messages.EraseRequest(
        actor=options.actor, value=options.value, reason=options.reason, requested_by=_user()
    )

    def work(channel: grpc.Channel) -> int:
        answer = disclosures_pb2_grpc.DisclosureServiceStub(channel).Erase(request)
        if options.json:
            say_json(to_json(answer))
        elif answer.erased:
            say(f"{counted(answer.erased, 'value')} erased; the records that have commitments to them still verify")
        else:
            complain("there is no such value to erase")
        return 0 if answer.erased else 1

    return call(options.api, work)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
