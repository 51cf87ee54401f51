"""File descriptors: each connection is one, and processes may have few of them unless they ask for more."""

from __future__ import annotations

import logging
import resource

__all__ = ["allow_descriptors"]

_logger = logging.getLogger(__name__)

_OTHERS = 256  # what a server has open besides: storage's files and connections, its data directory, its ports


def allow_descriptors(connections: int) -> bool:
    """Let this process have as many file descriptors as it ever may; warn if they are too few.

    Args:
        connections: how many connections its ports may have together.

    Returns:
        Whether they are enough.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError) as error:  # a hard limit that the kernel does not grant to processes
            _logger.warning("the limit of %d file descriptors cannot be raised: %s", soft, error)
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
