"""gRPC API client of the commands."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

import grpc
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.commands.api_token import find_token, with_token
from server.commands.arguments.options import API_VARIABLE, DEFAULT_API, ApiServer
from server.commands.output import complain
from server.settings.moments import Moment
from server.settings.sources import unknown_variables
from server.settings.values import parse_address

__all__ = ["call", "timestamp", "to_json"]

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),  # it would be used for 127.0.0.1 too
)
_FINDINGS = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DATA_LOSS)
_NOT_CONNECTED = ("failed to connect to all addresses", "errors resolving", "DNS resolution failed")  # gRPC's words
_NOT_GRPC = re.compile(r"failed to connect to all addresses; last error: [A-Z_]+: \S+: Failed parsing HTTP/2")


def call(
    api: ApiServer | str | None,
    work: Callable[[grpc.Channel], int],
    explain: Callable[[str], str] = lambda message: message,
    options: Sequence[tuple[str, int]] = (),
) -> int:
    """Run calls against a server; errors become a message and an exit status.

    Args:
        api: the server as given on the command line; None for what is in variables, or the default.
        work: function that makes the calls, and returns the exit status.
        explain: function that puts the message of an error in the words of the command.
        options: further options of the channel.
    """
    server = api if isinstance(api, ApiServer) else ApiServer(api)
    variable = API_VARIABLE[0]
    source = "--api" if server.address else variable
    address = server.address or os.environ.get(variable) or DEFAULT_API
    problems = unknown_variables(os.environ)
    try:
        parse_address(address)
    except ValueError as error:
        problems.append(f"{source}: {str(error).replace(':4317', ':7317')}")
    token = find_token(server.token_file, os.environ, problems)
    for problem in problems:
        complain(problem)
    if problems:
        return 2
    try:
        with grpc.insecure_channel(address, options=(*_OPTIONS, *options)) as channel:
            return work(with_token(channel, token))
    except grpc.RpcError as error:
        complain(explain(_explain(error.code(), error.details() or "", address)))
        return 1 if error.code() in _FINDINGS else 2


def _explain(code: grpc.StatusCode, details: str, address: str) -> str:
    """Return what is wrong with a call, and what to do."""
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return (
            f"{address} does not answer this call ({details}): it may be the OTLP port, another program, or another "
            f"version of Lognotary. Give the address of the server's gRPC API with --api (default: {DEFAULT_API})"
        )
    if code is not grpc.StatusCode.UNAVAILABLE or details.startswith("storage "):
        return details
    if not details.startswith(_NOT_CONNECTED):
        return f"the call to {address} failed: {details}"
    if _NOT_GRPC.match(details):
        return (
            f"{address} does not speak gRPC ({details}): it may be an HTTP port. Give the address of the server's gRPC "
            f"API with --api (default: {DEFAULT_API})"
        )
    return f"no server is listening on {address} ({details}); start one with 'lognotary serve', or give --api"


def to_json(message: Message, *, indent: int | None = 2) -> str:
    """Return a message in protobuf's JSON mapping, in ASCII; zeros and empty lists are shown."""
    return MessageToJson(message, indent=indent, always_print_fields_with_no_presence=True)


def timestamp(moment: Moment) -> Timestamp:
    """Return a time from the command line as a message."""
    seconds, nanos = divmod(moment.nanos, 10**9)
    return Timestamp(seconds=seconds, nanos=nanos)
