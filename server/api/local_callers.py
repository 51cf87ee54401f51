"""Callers on this machine: among callers without credentials, only they may change policies."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message
from starlette.requests import Request

from server.access.browsers import JSON, media_type
from server.access.callers import CallerKind
from server.access.current import current_caller
from server.access.networks import parse_ip
from server.access.presenting import address_of_peer
from server.api.errors import InvalidArgumentError, NotPermittedError
from server.api.json_body import read_json
from server.api.parameters import parse_body

__all__ = [
    "LOCAL",
    "OFF",
    "address_of_call",
    "address_of_reader",
    "address_of_request",
    "check_local",
    "check_on_machine",
    "is_local",
    "parse_local",
]

_MessageT = TypeVar("_MessageT", bound=Message)

LOCAL, OFF = "local", "off"
"""Values of the setting ``administration``."""


def address_of_call(peer: str) -> str:
    """Return the address of the caller of the call in progress, given the peer as gRPC names it."""
    return _known_address() or address_of_peer(peer)


def address_of_request(request: Request) -> str:
    """Return the address of a caller over HTTP.

    Raises:
        InvalidArgumentError: a page in a browser may have sent the request, for somebody elsewhere.
    """
    if _is_authenticated():  # checked before: see server.access.browsers
        return _known_address()
    if media_type(request.headers) != JSON or "origin" in request.headers:
        raise InvalidArgumentError(
            f"a call that only this machine may make must have the header 'Content-Type: {JSON}' and no Origin: "
            "browsers are not served"
        )
    return request.client.host if request.client else ""


def address_of_reader(request: Request) -> str:
    """Return the address of a caller over HTTP who changes nothing."""
    return _known_address() or (request.client.host if request.client else "")


async def parse_local(request: Request, call: _MessageT, *, empty: Any = None) -> tuple[_MessageT, str]:
    """Fill a call from the body of a request over HTTP; return it with the address of the caller.

    Args:
        request: the request.
        call: the call.
        empty: value for a request without a body; None if it must have one.

    Raises:
        InvalidArgumentError: the body is not such a call, or a page in a browser may have sent it.
    """
    caller = address_of_request(request)
    return parse_body(await read_json(request, empty=empty), call), caller


def is_local(address: str) -> bool:
    """Return whether an address is of this machine."""
    if address == "unix":
        return True
    known = parse_ip(address)
    return known is not None and known.is_loopback


def _is_authenticated() -> bool:
    caller = current_caller()
    return caller is not None and caller.kind is not CallerKind.LOCAL


def _known_address() -> str:
    caller = current_caller()
    return caller.address if caller is not None else ""


def check_local(address: str, administration: str) -> None:
    """Check that a caller may change policies or tokens.

    Of callers with credentials, the permission has been checked (``server.access.policy``).

    Args:
        address: address of the caller.
        administration: value of the setting ``administration``.

    Raises:
        NotPermittedError: the caller may not.
    """
    if administration == OFF:
        raise NotPermittedError(
            "this server takes no changes of policies or tokens, because the setting administration is off: local "
            "permits callers with the role operator or admin. On its machine, 'lognotary tokens' changes tokens anyway"
        )
    check_on_machine(address)


def check_on_machine(address: str) -> None:
    """Check that a caller has credentials, or is on this machine.

    Args:
        address: address of the caller.

    Raises:
        NotPermittedError: the caller is neither.
    """
    if not _is_authenticated() and not is_local(address):
        raise NotPermittedError(
            "without credentials, such a call is only taken from the server's own machine, and this one came from "
            f"{address or 'an unknown address'}: run the command there"
        )
