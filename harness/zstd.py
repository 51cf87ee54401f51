"""Zstandard, from the standard library if it has it: the same module that the server uses."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["zstd"]
