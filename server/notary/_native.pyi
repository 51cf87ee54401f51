"""Types of the compiled hashing; ``native/binding.pyx`` is its source."""

from collections.abc import Iterable

STRING: int
ARRAY: int
MAP: int

def hash_pairs(nodes: bytes) -> bytes: ...
def hash_rows(
    pieces: Iterable[bytes], kinds: bytes, version: int, first_leaf: int, ranges: list[tuple[int, bytes | None]]
) -> tuple[bytes, bytes]: ...
