"""The sockets through which a server sends its own records to the processes that receive records."""

from __future__ import annotations

from server.data_dir.kept_notes import worker_directory
from server.data_dir.own_socket import own_socket
from server.settings.settings import Settings

__all__ = ["own_sockets"]


def own_sockets(settings: Settings) -> list[str]:
    """Return the paths of the sockets; none if the OTLP port has no TLS, so that the server reaches the port itself.

    Raises:
        DataDirectoryError: a path is too long for a socket.
    """
    if "otlp_grpc" not in settings.tls:
        return []
    if settings.workers == 1:
        return [own_socket(settings.data_dir)]
    return [own_socket(worker_directory(settings.data_dir, number)) for number in range(1, settings.workers + 1)]
