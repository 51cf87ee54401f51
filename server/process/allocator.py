"""When the C library gives freed memory back.

Requests and blocks are megabytes each, and glibc gives memory of that size back to the kernel as soon as
it is freed, only to be given it again, zeroed page by page, for the next request. That cost more than
to decode the request. So what a few requests need is kept.
"""

from __future__ import annotations

import ctypes

__all__ = ["give_freed_memory_back", "keep_freed_memory"]

# mallopt's parameters (glibc, malloc.h).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8

_KEPT = 128 << 20  # bytes, at the end of the heap
_LARGEST = 32 << 20  # bytes; glibc takes no higher limit for what it puts on the heap
_ARENAS = 2  # heaps: what one thread freed another one uses


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for the next request; False where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(_TRIM_THRESHOLD, _KEPT), mallopt(_MMAP_THRESHOLD, _LARGEST), mallopt(_ARENA_MAX, _ARENAS)])


def give_freed_memory_back() -> bool:
    """Give the kernel back what this process has freed; takes a while. False where the C library is not glibc."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False
