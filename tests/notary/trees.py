"""Merkle trees to test against: the reference code's test tree, and the RFC's own recursion."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from server.notary.merkle import leaf_hash

# The test tree of the Certificate Transparency reference code (transparency-dev/merkle, testonly).
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaf(number: int) -> bytes:
    return sha256(b"leaf %d" % number).digest()


@cache
def naive_root(start: int, end: int) -> bytes:
    """MTH(D[start:end]) as RFC 6962, section 2.1, defines it, over the leaves ``leaf(n)``."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return leaf(start)
    split = 1
    while split * 2 < end - start:
        split *= 2
    return sha256(b"\x01" + naive_root(start, start + split) + naive_root(start + split, end)).digest()


def leaves(start: int, end: int) -> bytes:
    return b"".join(leaf(n) for n in range(start, end))


def perfect_node(level: int, number: int) -> bytes:
    return naive_root(number << level, (number + 1) << level)
