"""``lognotary tls``: certificates to try TLS with."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from server.commands.dev_certificates import Authority, general_name
from server.commands.output import say
from server.errors.files import unwritable
from server.settings.errors import ConfigError

__all__ = ["dev"]

_LOCAL = ("localhost", "127.0.0.1", "::1")
_CA = "ca.pem"
_SERVER, _SERVER_KEY = "server.pem", "server-key.pem"
_CLIENT, _CLIENT_KEY = "client.pem", "client-key.pem"


def dev(options: argparse.Namespace) -> int:
    """Make certificates to try TLS with; return the exit status."""
    directory = Path(options.directory)
    names = _names(options.name)
    (client,) = _general_names([options.client], "--client")
    authority = Authority(f"lognotary tls dev on {socket.gethostname()}", datetime.now(UTC), options.days)
    server = authority.issue("lognotary", names)
    sender = authority.issue(options.client, [client], client=True)
    _write(
        directory,
        {
            _CA: (authority.issued.certificate, 0o644),
            _SERVER: (server.certificate, 0o644),
            _SERVER_KEY: (server.key, 0o600),
            _CLIENT: (sender.certificate, 0o644),
            _CLIENT_KEY: (sender.key, 0o600),
        },
    )
    say(*_instructions(directory.absolute(), [str(name.value) for name in names]))
    return 0


def _names(more: Iterable[str]) -> list[x509.GeneralName]:
    names = _general_names(_LOCAL, "")
    with contextlib.suppress(ValueError):  # some names of machines are none of DNS
        names.append(general_name(socket.gethostname()))
    return list(dict.fromkeys([*names, *_general_names(more, "--name")]))


def _general_names(names: Iterable[str], option: str) -> list[x509.GeneralName]:
    try:
        return [general_name(name) for name in names]
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from error


def _write(directory: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    there = [name for name in files if os.path.lexists(directory / name)]
    if there:
        raise ConfigError(
            f"{directory} has {', '.join(there)} already, and nothing is overwritten: name another directory, or "
            "remove these files"
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, (content, mode) in files.items():
            descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
    except OSError as error:
        raise ConfigError(unwritable(error.filename or directory, error)) from error


def _instructions(directory: Path, names: Iterable[str]) -> list[str]:
    def path(name: str) -> str:
        return shlex.quote(str(directory / name))

    return [
        f"{directory} has a CA (ca.pem), the server's certificate for {', '.join(names)} (server.pem), a client's "
        "certificate (client.pem), and their keys. The key of the CA was not kept.",
        "",
        "Start the server:",
        "",
        f"  lognotary serve --tls-cert {path(_SERVER)} --tls-key {path(_SERVER_KEY)}",
        "",
        f"To accept only clients that have a certificate of this CA, add --tls-client-ca {path(_CA)}",
        "",
        "Ask the server (the last two options are for a server that asks for client certificates):",
        "",
        f"  lognotary status --api https://localhost:7317 --api-ca {path(_CA)} \\",
        f"    --api-cert {path(_CLIENT)} --api-key {path(_CLIENT_KEY)}",
        "",
        "Send to it from a Collector:",
        "",
        "  exporters:",
        "    otlp:",
        "      endpoint: localhost:4317",
        "      tls:",
        f"        ca_file: {directory / _CA}",
        f"        cert_file: {directory / _CLIENT}    # these two only if the server asks for them",
        f"        key_file: {directory / _CLIENT_KEY}",
        "",
        "or from an SDK: OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4317",
        f"  OTEL_EXPORTER_OTLP_CERTIFICATE={path(_CA)} OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE={path(_CLIENT)}",
        f"  OTEL_EXPORTER_OTLP_CLIENT_KEY={path(_CLIENT_KEY)}",
    ]
