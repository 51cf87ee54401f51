"""Certificates of ports in use: read again while a server runs, for connections that are made from then on.

A certificate and its key are two files, which cannot be replaced at once. So a pair that does not fit is not used: the
one before it stays in use until a pair fits.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from server.errors.files import reason_of
from server.process.metrics import GaugeSample
from server.process.pools import Pool
from server.retry.trouble import Trouble
from server.settings.certificates import (
    ServerCertificate,
    TlsFiles,
    read_certificate,
    readable_by_others,
)
from server.settings.errors import CertificateError
from server.transport.expiry import Expiry

__all__ = ["Certificates", "PortCertificate"]

_logger = logging.getLogger(__name__)

_INTERVAL = 1.0  # seconds between looks at the files


@dataclass(frozen=True, slots=True)
class _InUse:
    certificate: ServerCertificate
    context: ssl.SSLContext
    grpc: grpc.ServerCertificateConfiguration


class PortCertificate:
    """The certificate of one port or of several; thread-safe."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the certificate.

        Raises:
            CertificateError: it cannot be used.
        """
        self.files = files
        self._in_use = _load(files)
        self._trouble = Trouble(
            _logger, f"the certificate in {files.cert} stays as it was", f"the certificate in {files.cert} is usable"
        )
        if readable_by_others(files.key):
            _logger.warning(
                "every user of this machine can read the key %s: take that right away ('chmod 600 %s')",
                files.key,
                files.key,
            )

    @property
    def expires(self) -> float:
        """End of the validity, in seconds since 1970."""
        return self._in_use.certificate.expires

    def context(self) -> ssl.SSLContext:
        """Return what a new connection is encrypted with."""
        return self._in_use.context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Return credentials for a gRPC server, which asks for the certificate in each handshake."""
        in_use = self._in_use
        told = in_use

        def changed() -> Any:  # None if nothing has, which the types of gRPC do not know
            nonlocal told
            now = self._in_use
            if now is told:
                return None
            told = now
            return now.grpc

        return grpc.dynamic_ssl_server_credentials(in_use.grpc, changed, self.files.requires_client)

    def reload(self) -> None:
        """Use what the files have now, for new connections; what goes wrong is logged."""
        before = self._in_use
        try:
            certificate = read_certificate(self.files, _now())
            if certificate == before.certificate:
                self._trouble.ends()
                return
            self._in_use = _load(self.files, certificate)
        except CertificateError as error:
            self._trouble.goes_on(str(error))
            return
        self._trouble.ends()
        expires = datetime.datetime.fromtimestamp(self.expires, datetime.UTC)
        _logger.info("the certificate in %s was read anew; it expires on %s", self.files.cert, f"{expires:%Y-%m-%d}")


class Certificates:
    """The certificates of all ports of a process; ports with the same files share one."""

    def __init__(self, tls: Mapping[str, TlsFiles]) -> None:
        """Read the certificates.

        Args:
            tls: files of each port that has TLS, by the name of its setting.

        Raises:
            CertificateError: one cannot be used.
        """
        by_files = {files: PortCertificate(files) for files in dict.fromkeys(tls.values())}
        self._ports = {port: by_files[files] for port, files in tls.items()}
        self._distinct = tuple(by_files.values())

    def of(self, port: str) -> PortCertificate | None:
        """Return the certificate of a port, None if the port has no TLS."""
        return self._ports.get(port)

    def reload(self) -> None:
        """Use what the files have now, for new connections; what goes wrong is logged."""
        for certificate in self._distinct:
            certificate.reload()

    async def watch(self, pool: Pool, reread: asyncio.Event, interval: float = _INTERVAL) -> None:
        """Read the files at regular intervals, and whenever an event is set; never ends."""
        while self._distinct:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reread.wait(), interval)
            reread.clear()
            await pool.run(self.reload)

    async def warn_of_expiry(self, interval: float = 600.0) -> None:
        """Log warnings before certificates expire; never ends.

        Args:
            interval: seconds between looks.
        """
        by_file = {certificate.files.cert: certificate for certificate in self._distinct}
        expiries = {file: Expiry() for file in by_file}
        while expiries:
            for file, expiry in expiries.items():
                if said := expiry.told(by_file[file].expires, _now().timestamp()):
                    _logger.warning("the certificate in %s %s", file, said)
            await asyncio.sleep(interval)

    def gauges(self) -> Iterator[GaugeSample]:
        """Yield when the certificate of each port expires."""
        for port, certificate in self._ports.items():
            text = "End of the validity of the certificate of a port, in seconds since 1970"
            yield "lognotary_tls_certificate_not_after_seconds", text, {"port": port}, certificate.expires


def _load(files: TlsFiles, certificate: ServerCertificate | None = None) -> _InUse:
    certificate = certificate or read_certificate(files, _now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # OpenSSL reads the files once more. Were they replaced meanwhile, the next look finds that they differ.
        context.load_cert_chain(files.cert, files.key, _no_password)
        if certificate.client_ca is not None:
            context.load_verify_locations(cadata=certificate.client_ca.decode("latin-1"))
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each certificate of the file is trusted, as in gRPC
            context.verify_mode = ssl.CERT_REQUIRED if files.requires_client else ssl.CERT_OPTIONAL
    except (OSError, ValueError) as error:
        raise CertificateError("cert", f"{files.cert} and {files.key} cannot be used: {reason_of(error)}") from error
    pairs = [(certificate.key, certificate.chain)]
    return _InUse(certificate, context, grpc.ssl_server_certificate_configuration(pairs, certificate.client_ca))


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
