"""The keys of a key store, as tests look at them."""

from __future__ import annotations

import stat
from pathlib import Path

from server.keys.store import KeyStore, StoredKey
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream

NAMES = [LogName("shop", stream, "node-1") for stream in Stream]
ORIGIN = NAMES[0].origin


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def public(directory: Path, *, ml_dsa: bool = False) -> list[VerifierKey]:
    return [*KeyStore(directory, ml_dsa=ml_dsa).signer().verifier_keys(ORIGIN)]


def listed(store: KeyStore) -> list[StoredKey]:
    return store.keys()
