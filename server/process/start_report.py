"""Lines about a start in the server's log: what runs, and warnings about settings that are unsafe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from server.codec.choose import chosen_codec, why_not_native
from server.errors.amounts import size
from server.retry.trouble import Trouble
from server.settings.exposure import Exposure, exposures, ports_without_authentication
from server.settings.settings import Settings
from server.settings.table import PORTS
from server.settings.values import Address

__all__ = ["explorer_url", "log_ready", "log_start", "until_ready"]

_logger = logging.getLogger(__name__)

_LOOK_AGAIN = 0.1  # seconds


def log_start(settings: Settings, writer: str, key: str) -> None:
    """Log the version, the settings that matter most, and warnings.

    Args:
        settings: the settings.
        writer: name of the writer.
        key: fingerprints of the keys that sign.
    """
    codec = chosen_codec(settings.codec)
    _logger.info(
        "lognotary %s is starting: storage %s, data directory %s, writer %s, signing key %s, codec %s, OK after %s, "
        "retention %s (audit), %s (operational) and %s (spans), memory limit %s, workers %d",
        version("lognotary"),
        settings.storage,
        settings.data_dir.absolute(),
        writer,
        key,
        "native (compiled)" if codec == "native" else "reference (plain Python)",
        settings.ack.value,
        _days(settings.retention_audit),
        _days(settings.retention_operational),
        _days(settings.retention_spans),
        size(settings.memory_limit),
        settings.workers,
    )
    if settings.codec == "auto" and codec == "reference":
        _logger.warning(
            "the compiled codec is not installed (%s): the reference codec is used, which needs about 30 times the "
            "CPU. Reinstall Lognotary with a C++17 compiler present",
            why_not_native(),
        )
    if unsigned := [stream.value for stream in settings.unsigned_streams]:
        _logger.warning(
            "not signed (--signed-streams): %s. Anyone who can write to storage can change or delete these records "
            "unnoticed; they are stored without evidence",
            " and ".join(unsigned),
        )
    _warn_of_exposure(settings)


def _warn_of_exposure(settings: Settings) -> None:
    open_to_all = ports_without_authentication(settings.authentication, login_is_used=settings.login.is_used)
    exposed = list(exposures({port: getattr(settings, port) for port in PORTS}, settings.tls, open_to_all))
    if without_tls := [port for port in exposed if not port.has_tls]:
        _logger.warning(
            "listening beyond this machine without TLS (--insecure-listen): unless something else protects the way to "
            "%s, others can read and change what is sent there, credentials too. Give --tls-cert and --tls-key, or "
            "listen on 127.0.0.1",
            _listing(without_tls),
        )
    if open_ports := [port for port in exposed if not port.has_authentication]:
        _logger.warning(
            "listening beyond this machine without authentication (authentication = off, --insecure-listen): unless "
            "something else protects the way to %s, anybody on the network can send records, and do with the API what "
            "an administrator can. Set authentication to auto, or listen on 127.0.0.1",
            _listing(open_ports),
        )


def _listing(ports: Sequence[Exposure]) -> str:
    return " and ".join(f"{port.name}={port.address}" for port in ports)


async def until_ready(not_ready: Callable[[], str], stop: asyncio.Event) -> bool:
    """Wait until a server that has started is ready; what it waits for is logged.

    Args:
        not_ready: returns why it is not ready, empty if it is; must not block.
        stop: event that ends the wait.

    Returns:
        False if ``stop`` was set before.
    """
    waiting = Trouble(_logger, "not ready yet", "the server has become ready")
    while not stop.is_set():
        if not (reason := not_ready()):
            waiting.ends()
            return True
        waiting.goes_on(reason)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_AGAIN)
    return False


def log_ready(addresses: Mapping[str, Address]) -> None:
    """Log the addresses that the server listens on, by the names of their settings."""
    listing = ", ".join(f"{name}={address}" for name, address in addresses.items())
    _logger.info("lognotary is ready: %s", listing)


def explorer_url(http: Address, *, has_tls: bool) -> str:
    """Return the URL at which a browser on this machine reaches the explorer.

    Args:
        http: address that the HTTP API listens on.
        has_tls: True if that port has TLS.
    """
    is_everywhere = http.host in ("0.0.0.0", "::")  # noqa: S104 - nobody can connect to that, and this machine is in it
    return f"{'https' if has_tls else 'http'}://{Address('localhost', http.port) if is_everywhere else http}/"


def _days(days: int | None) -> str:
    return "forever" if days is None else f"{days} days"
