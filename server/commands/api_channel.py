"""Connections of the commands to the gRPC API, with or without TLS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from server.access.requirement import is_loopback
from server.commands.api_token import find_token, with_token
from server.commands.arguments.options import API_VARIABLE, DEFAULT_API, ApiServer
from server.errors.files import unreadable
from server.settings.regular_files import read_regular
from server.settings.values import parse_address

__all__ = ["ApiTarget", "find_target", "open_channel", "read_pem"]

_HTTPS = "https://"
_MOST_BYTES = 1 << 20  # of a file of certificates


@dataclass(frozen=True, slots=True)
class ApiTarget:
    """A server to connect to.

    Attributes:
        address: ``host:port``.
        tls: True if the server has TLS.
        ca: certificates of the CAs to trust in PEM; None for the public ones.
        cert: client certificate in PEM; None for none.
        key: private key of the client certificate in PEM; None for none.
        token: token for its API; empty for none.
    """

    address: str
    tls: bool = False
    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None
    token: str = ""

    def __repr__(self) -> str:
        return f"ApiTarget({self.address}, tls={self.tls})"  # never the key or the token


def find_target(given: ApiServer | str | None, environ: Mapping[str, str], problems: list[str]) -> ApiTarget:
    """Return the server to connect to.

    Args:
        given: what the command line says; an address alone, or None for nothing.
        environ: environment variables, for what the command line does not say.
        problems: gets a sentence for each part that cannot be used.
    """
    server = given if isinstance(given, ApiServer) else ApiServer(given)
    variable = API_VARIABLE[0]
    place = "--api" if server.address else variable
    text = server.address or environ.get(variable) or DEFAULT_API
    is_https = text.lower().startswith(_HTTPS)
    address = text[len(_HTTPS) :].removesuffix("/") if is_https else text
    try:
        parse_address(address)
    except ValueError as error:
        problems.append(f"{place}: {str(error).replace(':4317', ':7317')}")
    ca, cert, key = (
        read_pem(name, own, environ, problems)
        for name, own in (("ca", server.ca), ("cert", server.cert), ("key", server.key))
    )
    if (cert is None) != (key is None):
        there, missing = ("cert", "key") if cert else ("key", "cert")
        problems.append(f"--api-{there} is given without --api-{missing}: give both")
    token = find_token(server.token_file, environ, problems)
    has_tls = is_https or ca is not None or cert is not None
    if token and not has_tls and not is_loopback(address.rpartition(":")[0]):
        problems.append(
            f"{place}: {address} is another machine, and a token that is sent without TLS can be read on the way: give "
            f"{_HTTPS}{address}, or forward the server's port to this machine, as with ssh -L"
        )
    return ApiTarget(address, has_tls, ca, cert, key, token)


def open_channel(target: ApiTarget, options: Sequence[tuple[str, int]]) -> grpc.Channel:
    """Return a channel to a server, whose calls have the token."""
    if not target.tls:
        return with_token(grpc.insecure_channel(target.address, options=options), target.token)
    credentials = grpc.ssl_channel_credentials(target.ca, target.key, target.cert)
    return with_token(grpc.secure_channel(target.address, credentials, options=options), target.token)


def read_pem(name: str, own: str | None, environ: Mapping[str, str], problems: list[str]) -> bytes | None:
    """Return the content of the file of ``--api-NAME`` or of its variable; None if neither is given.

    Args:
        name: ``ca``, ``cert`` or ``key``.
        own: the file that the command line names; None for none.
        environ: environment variables.
        problems: gets a sentence if the file cannot be used.
    """
    variable = f"{API_VARIABLE[0]}_{name.upper()}"
    path, place = (own, f"--api-{name}") if own else (environ.get(variable), variable)
    if not path:
        return None
    try:
        content = read_regular(Path(path), _MOST_BYTES)
    except OSError as error:
        problems.append(f"{place}: {unreadable(path, error)}")
        return b""
    what, mark = (
        ("private key", b"PRIVATE KEY-----") if name == "key" else ("certificate", b"-----BEGIN CERTIFICATE-----")
    )
    if mark not in content:
        problems.append(f"{place}: {path} has no {what} in PEM: give another file")
    return content
