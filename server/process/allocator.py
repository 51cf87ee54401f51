"""Control over when the C library returns freed memory to the kernel.

Requests and blocks are megabytes each. By default, glibc returns memory of that size to the kernel as soon as it
is freed, and gets it back, zeroed page by page, for the next request, which costs more than decoding the request.
So this module lets the process keep the memory of a few requests, as far as its memory limit has room for it.
"""

from __future__ import annotations

import ctypes

__all__ = ["give_freed_memory_back", "keep_freed_memory"]

# mallopt's parameters (glibc, malloc.h).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8

_KEPT = 128 << 20  # bytes, at the end of each heap
_KEPT_PART = 16  # of the memory limit, at the end of each heap: together, less than is spared for fragmentation
_LARGEST = 32 << 20  # bytes; the highest limit for allocations on the heap that glibc accepts
_ARENAS = 2  # few heaps, so that memory freed by one thread is reused by others


def keep_freed_memory(limit: int | None = None) -> bool:
    """Make this process keep freed memory for the next request; return False if the C library is not glibc.

    Args:
        limit: memory limit of the process in bytes, None for none.
    """
    kept = _KEPT if limit is None else min(_KEPT, limit // _KEPT_PART)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(
        [
            mallopt(_TRIM_THRESHOLD, kept),
            mallopt(_MMAP_THRESHOLD, min(_LARGEST, kept)),
            mallopt(_ARENA_MAX, _ARENAS),
        ]
    )


def give_freed_memory_back() -> bool:
    """Return freed memory to the kernel, which takes a while; return False if the C library is not glibc."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False
