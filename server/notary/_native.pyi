"""Types of the compiled hashing; ``native/binding.pyx`` is its source."""

from collections.abc import Iterable

from server.notary.row_blocks import BlockLimits

STRING: int
ARRAY: int
MAP: int

def hash_pairs(nodes: bytes) -> bytes: ...
def hash_blocks(
    pieces: Iterable[bytes],
    kinds: bytes,
    version: int,
    first_leaf: int,
    ranges: list[tuple[int, bytes | None]],
    limits: BlockLimits,
    program: bytes | None = None,
    most_bytes: int = 0,
) -> tuple[bytes, bytes, list[tuple[int, bytes]], bool]: ...
def holds(program: bytes, kinds: bytes, leaf: int, record: bytes) -> bool: ...

class MapSorter:
    def __init__(self, kinds: bytes) -> None: ...
    def __call__(self, record: bytes) -> tuple[bytes, bool]: ...
