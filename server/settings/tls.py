"""Settings of TLS: one certificate for all ports, or one for each, and the certificates that clients need."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from server.settings.certificates import TlsFiles, read_certificate
from server.settings.errors import CertificateError
from server.settings.sources import Given, Origin
from server.settings.table import PORTS
from server.settings.values import read_choice

__all__ = ["read_tls"]

_OFF = "off"
_GRPC_PORTS = ("otlp_grpc", "api_grpc")


def read_tls(values: Mapping[str, Given], problems: list[str]) -> dict[str, TlsFiles]:
    """Return the files of each port that has TLS, by the port's name.

    Args:
        values: value of each setting, by name.
        problems: gets a sentence for each setting that cannot be used.
    """
    found: dict[str, TlsFiles] = {}
    told: dict[str, None] = {}  # a file of several ports is one problem
    for port in PORTS:
        given = {part: _given(values, port, part) for part in ("cert", "key", "client_ca", "client_certificates")}
        try:
            if (files := _files(port, given)) is not None:
                found[port] = files
        except CertificateError as error:
            told.setdefault(f"{given[error.part].place}: {error}")
    problems += told
    return found


def _given(values: Mapping[str, Given], port: str, part: str) -> Given:
    """Return a part of the TLS of a port: the port's own value, or that of all ports."""
    own = values[f"{port}_tls_{part}"]
    return own if own.text.strip() else values[f"tls_{part}"]


def _name_like(given: Given, name: str) -> str:
    """Return the name of a setting in the form in which another one was given: as an option, a variable, or itself."""
    forms = {Origin.OPTION: f"--{name.replace('_', '-')}", Origin.VARIABLE: f"LOGNOTARY_{name.upper()}"}
    return forms.get(given.origin, name)


def _files(port: str, given: Mapping[str, Given]) -> TlsFiles | None:
    text = {part: each.text.strip() for part, each in given.items()}
    if text["cert"].lower() == _OFF:
        return None
    if not text["cert"]:
        for part in ("key", "client_ca"):
            if text[part] and text[part].lower() != _OFF:
                also = _name_like(given[part], "tls_cert")
                raise CertificateError(part, f"there is no certificate that it belongs to: give {also} as well")
        return None
    if not text["key"]:
        also = _name_like(given["cert"], "tls_key")
        raise CertificateError("cert", f"the key of the certificate is missing: give {also} as well")
    has_ca = bool(text["client_ca"]) and text["client_ca"].lower() != _OFF
    try:
        required = has_ca and read_choice(text["client_certificates"], ("optional", "required")) == "required"
    except ValueError as error:
        raise CertificateError("client_certificates", str(error)) from error
    if has_ca and not required and port in _GRPC_PORTS:
        raise CertificateError(
            "client_certificates",
            f"a gRPC port cannot ask for a client certificate that is optional: give {port}_tls_client_certificates = "
            f"required, or {port}_tls_client_ca = off to ask for none",
        )
    client_ca = Path(text["client_ca"]) if has_ca else None
    files = TlsFiles(Path(text["cert"]), Path(text["key"]), client_ca, required)
    read_certificate(files, datetime.datetime.now(datetime.UTC))
    return files
