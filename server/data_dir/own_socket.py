"""The socket in a data directory to which a server sends its own records if its OTLP port has TLS.

So a server needs neither a client certificate of its own nor trust in its own certificate, whatever becomes of either.
Only a user who may write to the data directory can connect, and has the rights of any sender there: the records of the
server itself are told apart by its token.
"""

from __future__ import annotations

import os
from pathlib import Path

from server.data_dir.errors import DataDirectoryError

__all__ = ["own_socket"]

_NAME = "own.sock"
_MOST_BYTES = 107  # of the path of a socket (unix(7)), without the byte after it


def own_socket(data_dir: Path) -> str:
    """Return the path of the socket, relative to the current directory if that is shorter.

    Raises:
        DataDirectoryError: the path is too long for a socket.
    """
    path = data_dir.absolute() / _NAME
    shortest = min((str(path), os.path.relpath(path)), key=len)
    if len(os.fsencode(shortest)) > _MOST_BYTES:
        raise DataDirectoryError(
            f"the path {path} is too long for a socket, which a server with TLS needs: give a shorter --data-dir"
        )
    return shortest
