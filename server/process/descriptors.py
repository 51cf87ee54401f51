"""The limit of file descriptors: each connection takes one, and the default limit of a process is low."""

from __future__ import annotations

import logging
import resource

from server.errors.files import reason_of

__all__ = ["allow_descriptors"]

_logger = logging.getLogger(__name__)

_OTHERS = 256  # other descriptors of a server: storage's files and connections, its data directory, its ports


def allow_descriptors(connections: int) -> bool:
    """Raise the limit of file descriptors to its maximum; log a warning if that is not enough.

    Args:
        connections: maximum number of connections of all ports together.

    Returns:
        True if the limit is high enough.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError) as error:  # the hard limit is higher than the kernel allows
            _logger.warning("the limit of %d file descriptors cannot be raised: %s", soft, reason_of(error))
    wanted = connections + _OTHERS
    enough = soft == resource.RLIM_INFINITY or soft >= wanted
    if not enough:
        _logger.warning(
            "%d connections need %d file descriptors, but this process may open only %d: raise the limit "
            "(ulimit -n, LimitNOFILE=) or lower --max-connections",
            connections,
            wanted,
            soft,
        )
    return enough
