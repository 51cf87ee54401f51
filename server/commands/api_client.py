"""gRPC API client of the commands."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

import grpc
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.commands.api_channel import ApiTarget, find_target, open_channel
from server.commands.api_login import with_login
from server.commands.api_token import NO_CREDENTIALS, WRONG_CREDENTIALS, exposed_token_warning
from server.commands.arguments.options import DEFAULT_API, ApiServer
from server.commands.output import complain
from server.settings.moments import Moment
from server.settings.sources import unknown_variables

__all__ = ["call", "timestamp", "to_json"]

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),  # it would be used for 127.0.0.1 too
)
_FINDINGS = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DATA_LOSS)
_NOT_CONNECTED = ("failed to connect to all addresses", "errors resolving", "DNS resolution failed")  # gRPC's words
_NOT_GRPC = re.compile(r"failed to connect to all addresses; last error: [A-Z_]+: \S+: Failed parsing HTTP/2")

_OTHER_NAMES = "has a certificate for other names: give --api with a name that the certificate has"
_TLS_FAILURES = {
    "WRONG_VERSION_NUMBER": "has no TLS: give it without https:// and without --api-ca, or give another address",
    "CERTIFICATE_VERIFY_FAILED": "has a certificate that cannot be verified: give the CA that issued it with --api-ca",
    "Peer name": _OTHER_NAMES,
    "Hostname Verification Check failed": _OTHER_NAMES,
    "missing selected ALPN property": "has TLS, but does not speak gRPC: it may be an HTTP port. Give the address of "
    f"the server's gRPC API with --api (default: {DEFAULT_API})",
    "Failed to create security handshaker": "was not called, because a file of --api-ca, --api-cert or --api-key is "
    "damaged, or the key does not match the certificate: give other files",
    "Socket closed": "closed the connection: if it has TLS, give https:// before the address; if it wants client "
    "certificates, give --api-cert and --api-key",
}
"""Parts of gRPC's messages, and what is wrong with the server."""


def call(
    api: ApiServer | str | None,
    work: Callable[[grpc.Channel], int],
    explain: Callable[[str], str] = lambda message: message,
    options: Sequence[tuple[str, int]] = (),
) -> int:
    """Run calls against a server; errors become a message and an exit status.

    Args:
        api: the server as given with ``--api``; None for the address in the variable, or the default.
        work: function that makes the calls, and returns the exit status.
        explain: function that puts the message of an error in the words of the command.
        options: further options of the channel.
    """
    problems = unknown_variables(os.environ)
    target = find_target(api, os.environ, problems)
    for problem in problems:
        complain(problem)
    if problems:
        return 2
    if isinstance(api, ApiServer) and api.token_file and (warning := exposed_token_warning(api.token_file)):
        complain(warning)
    if not target.token:
        target = with_login(target)
    try:
        with open_channel(target, (*_OPTIONS, *options)) as channel:
            return work(channel)
    except grpc.RpcError as error:
        complain(explain(_explain(error.code(), error.details() or "", target)))
        return 1 if error.code() in _FINDINGS else 2


def _explain(code: grpc.StatusCode, details: str, target: ApiTarget) -> str:
    """Return what is wrong with a call, and what to do."""
    address = target.address
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return f"{details}: {WRONG_CREDENTIALS if target.token else NO_CREDENTIALS}"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return (
            f"{address} does not answer this call ({details}): it may be the OTLP port, another program, or another "
            f"version of Lognotary. Give the address of the server's gRPC API with --api (default: {DEFAULT_API})"
        )
    if code is not grpc.StatusCode.UNAVAILABLE or details.startswith("storage "):
        return details
    if not details.startswith(_NOT_CONNECTED):
        return f"the call to {address} failed: {details}"
    for part, advice in _TLS_FAILURES.items():
        if part in details:
            return f"{address} {advice} ({details})"
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
