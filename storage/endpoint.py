"""Diagnosis of a server that gives no answer of ClickHouse's: another port, another protocol, TLS or none."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from server.errors.files import reason_of, unreadable
from storage.errors import StorageConfigError
from storage.url import ServerUrl

__all__ = ["diagnose", "verifying_context"]

_TIMEOUT = 3.0  # seconds
_MOST = 4096  # bytes of an answer
_REQUEST = b"GET /ping HTTP/1.0\r\n\r\n"
_NATIVE = b"is for clickhouse-client program"
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_OK = b"Ok."


def diagnose(url: ServerUrl) -> str:
    """Return what is wrong with the address of a storage URL and what to do, empty if that cannot be said.

    Blocks for some seconds.
    """
    where = url.address
    plain = _ask(url, None)
    encrypted = _ask(url, _unverified(url))
    for answer in (plain, encrypted):
        if answer is not None and _NATIVE in answer:
            return (
                f"{where} is ClickHouse's native port, for clickhouse-client: the storage URL needs the port for HTTP "
                "(8123, or 8443 with TLS, unless ClickHouse is configured otherwise)"
            )
    if url.secure and encrypted is None and plain is not None and _STATUS.match(plain):
        return f"{where} answers without TLS: write http:// instead of https:// in the storage URL, or another port"
    if not url.secure and encrypted is not None:
        return f"{where} requires TLS: write https:// instead of http:// in the storage URL"
    if url.secure and (reason := _untrusted(url)):
        advice = "" if url.ca_cert else "; if its CA is your own, add ?ca_cert=FILE to the storage URL"
        return f"the certificate of {where} is not accepted: {reason}{advice}"
    answer = encrypted if url.secure else plain
    if url.secure and not answer and encrypted is not None:
        has = "does not accept the client certificate" if url.client_cert else "may ask for a client certificate"
        return (
            f"{where} ends connections without an answer: it {has}. Give client_cert and client_key in the storage URL "
            "that ClickHouse trusts"
        )
    if answer is None or _is_passing(answer) or (_STATUS.match(answer) and _OK in answer):
        return ""
    return (
        f"{where} is not the HTTP interface of a ClickHouse server: correct host and port in the storage URL "
        "(ClickHouse listens for HTTP on port 8123, or 8443 with TLS, unless it is configured otherwise)"
    )


def _ask(url: ServerUrl, context: ssl.SSLContext | None) -> bytes | None:
    """Return the answer to a request; None if there is none, or no TLS although there should be."""
    try:
        with _connected(url, context) as connection:
            answer = b""
            # Reset after the answer; or, with TLS 1.3, ended after the handshake because of the client certificate.
            with contextlib.suppress(OSError):
                connection.sendall(_REQUEST)
                while len(answer) < _MOST and (piece := connection.recv(_MOST)):
                    answer += piece
    except OSError:
        return None
    if context is None and not answer:
        return None
    return answer


def _untrusted(url: ServerUrl) -> str:
    try:
        with _connected(url, verifying_context(url)):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError:
        return ""


@contextlib.contextmanager
def _connected(url: ServerUrl, context: ssl.SSLContext | None) -> Iterator[socket.socket]:
    with socket.create_connection((url.host, url.port), _TIMEOUT) as connection:
        if context is None:
            yield connection
        else:
            with context.wrap_socket(connection, server_hostname=url.host) as encrypted:
                yield encrypted


def verifying_context(url: ServerUrl) -> ssl.SSLContext:
    """Return the TLS of connections to a server.

    Raises:
        StorageConfigError: a file that the storage URL names cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=url.ca_cert or None)
    except (OSError, ValueError) as error:
        raise StorageConfigError(f"ca_cert of the storage URL: {_unusable(url.ca_cert, error)}") from error
    if url.client_cert:
        for name, file in (("client_cert", url.client_cert), ("client_key", url.client_key)):
            try:
                Path(file).open("rb").close()
            except OSError as error:
                raise StorageConfigError(f"{name} of the storage URL: {unreadable(file, error)}") from error
        try:
            context.load_cert_chain(url.client_cert, url.client_key, _no_password)
        except (OSError, ValueError) as error:
            raise StorageConfigError(
                f"client_cert and client_key of the storage URL cannot be used ({reason_of(error)}): give a "
                "certificate and its key in PEM, not encrypted"
            ) from error
    return context


def _unusable(file: str, error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"{file} has no certificates in PEM: name a file that has some"
    return unreadable(file, error)


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _unverified(url: ServerUrl) -> ssl.SSLContext:
    context = verifying_context(url)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only to see whether it is TLS: nothing secret is sent
    return context


def _is_passing(answer: bytes) -> bool:
    """Return whether an answer is of a gateway that has no server behind it now."""
    status = _STATUS.match(answer)
    return status is not None and (status[1][:1] == b"5" or status[1] in (b"408", b"429"))
