"""Access logs in a storage."""

from __future__ import annotations

from server.notary.errors import MalformedError
from server.notary.origin import LogName
from storage.engine import Engine
from storage.inventory import list_logs

__all__ = ["has_access_log"]


def has_access_log(engine: Engine) -> bool:
    """Return whether a storage has an access log, of whatever writer and tenant.

    Raises:
        StorageError: storage cannot be read.
    """
    return any(_is_access_log(origin) for _, origin in list_logs(engine))


def _is_access_log(origin: str) -> bool:
    try:
        return LogName.parse(origin).access
    except MalformedError:  # others can write anything into storage
        return False
