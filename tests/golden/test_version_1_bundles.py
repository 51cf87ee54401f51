"""Frozen bundles of version 1 hold, and no other bytes in their place."""

from __future__ import annotations

import pytest

from server import check
from tests.golden import VERSION_1
from tests.golden.bundles_of_version_1 import BUNDLES, FIRST_KEY, OTHER_KEY, files_of


def keys_of(name: str) -> tuple[list[check.Key], list[check.Key]]:
    """The keys to check a bundle with: one of the log, and those of the witnesses that cosigned it."""
    key = OTHER_KEY if "/node-2#" in BUNDLES[name] else FIRST_KEY
    witnesses = check.read_keys([str(VERSION_1.key("witnesses.txt"))], check.COSIGNATURE, check.ML_DSA_44)
    cosigned = files_of(name)["checkpoint"].decode()
    return check.read_keys([str(key)], check.ED25519), [each for each in witnesses if f"— {each.name} " in cosigned]


@pytest.mark.parametrize("name", BUNDLES)
def test_frozen_bundles_hold(name: str) -> None:
    keys, witnesses = keys_of(name)
    report = check.check(check.read_bundle(VERSION_1.bundle(name)), keys, witnesses)
    assert report.holds, report.steps
    assert report.proved is not None
    origin, _, leaf = BUNDLES[name].partition("#")
    assert (report.proved["Origin"], report.proved["LeafIndex"]) == (origin, int(leaf))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_changed_byte_in_a_frozen_bundle_is_refused(name: str) -> None:
    keys, witnesses = keys_of(name)
    files = check.read_bundle(VERSION_1.bundle(name))
    checked = [file for file in files if file in ("record.bin", "record.json", "record.tlog-proof", "checkpoint")]
    for file in (*checked, *(file for file in files if file.startswith("key-changes/"))):
        content = files[file]
        for at in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
            changed = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
            assert not check.check({**files, file: changed}, keys, witnesses).holds, (file, at)
