"""``lognotary erase``: erase values to which records have commitments."""

from __future__ import annotations

import argparse
import sys

import grpc

from lognotary.v1 import disclosures_pb2 as messages
from lognotary.v1 import disclosures_pb2_grpc
from server.commands.api_client import call, to_json
from server.commands.output import complain, say, say_json
from server.commands.user import user_name
from server.notary.counted import counted
from server.settings.errors import ConfigError

__all__ = ["run"]

_STANDARD_INPUT = "-"


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status.

    Raises:
        ConfigError: the standard input is not a text to erase.
    """
    request = messages.EraseRequest(reason=options.reason, requested_by=user_name())
    if options.actor is not None:
        request.actor = _given(options.actor)
    else:
        request.value = _given(options.value)

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


def _given(text: str) -> str:
    """Return a text of the command line; for a dash the standard input, without the line break at its end."""
    if text != _STANDARD_INPUT:
        return text
    try:
        read = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise ConfigError("standard input is not UTF-8: only texts can be erased") from error
    read = read.removesuffix("\n").removesuffix("\r")
    if not read:
        raise ConfigError("standard input is empty: write what is to be erased to it")
    return read
