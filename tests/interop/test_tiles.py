"""The files of a running server's log, read and recomputed with what others wrote to monitor other logs."""

from __future__ import annotations

import base64
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from harness.go_program import FSCK, installed
from tests.interop.altering import altered_file
from tests.interop.checkers import GoChecker, RefusedError
from tests.interop.served_log import SIZES, ServedLog

LAST = SIZES[-1]
INDEXES = (0, 254, 255, 256, 511, 512, 599)

# Paths, and a bit in each: of the size, of hashes, of a length and of entries.
FILES = (
    ("checkpoint", 8 * 19 + 7),
    ("tile/0/000", 8 * 32 * 7),
    ("tile/0/001", -1),
    ("tile/0/002.p/88", -1),
    ("tile/1/000.p/2", 0),
    ("tile/entries/000", 15),
    ("tile/entries/001", -1),
    ("tile/entries/002.p/88", 8 * 34 * 3 + 16),
)


@pytest.fixture(scope="session")
def fsck() -> Path:
    """Tessera's checker of whole logs."""
    return installed(FSCK)


def run_fsck(program: Path, url: str, verifier_key: str, directory: Path) -> str:
    """Return what it logs: its status says nothing."""
    key = directory / "key"
    key.write_text(verifier_key)
    done = subprocess.run(
        [str(program), "-ui=false", "-N=4", f"-public_key={key}", f"-storage_url={url}/"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr


def test_tiles_alone_prove_what_the_server_proves(go_checker: GoChecker, log: ServedLog) -> None:
    found = go_checker.ask(
        "tiles", verifier_keys=log.verifier_keys, url=log.url, indexes=INDEXES, sizes=[*SIZES, 2, 300, 599]
    )

    assert found["size"] == LAST
    assert found["tiles"] == [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ]
    assert len(found["entries"]) == LAST
    for index, path in zip(INDEXES, found["inclusion"], strict=True):
        proved = log.inclusion(index, LAST)
        assert [base64.b64decode(each) for each in path] == proved.path
        assert base64.b64decode(found["entries"][index]) == sha256(proved.record).digest()
    for size, root, path in zip(SIZES, found["roots"], found["consistency"], strict=False):
        assert root == log.checkpoint(size).split("\n")[2]
        assert [base64.b64decode(each) for each in path or ()] == log.consistency(size, LAST).path


@pytest.mark.parametrize("size", SIZES)
def test_an_earlier_tree_can_be_read_from_a_log_that_has_grown(
    go_checker: GoChecker, log: ServedLog, size: int
) -> None:
    found = go_checker.ask(
        "tiles",
        verifier_keys=log.verifier_keys,
        url=log.url,
        checkpoint=log.checkpoint(size),
        indexes=[0, size - 1],
        sizes=[1, size],
    )

    assert (found["size"], len(found["entries"])) == (size, size)


@pytest.mark.parametrize(("path", "bit"), FILES)
def test_a_reader_refuses_a_file_that_was_changed(go_checker: GoChecker, log: ServedLog, path: str, bit: int) -> None:
    with altered_file(log, path, bit) as url, pytest.raises(RefusedError):
        go_checker.ask("tiles", verifier_keys=log.verifier_keys, url=url, indexes=INDEXES, sizes=SIZES)


def test_the_whole_log_can_be_recomputed_from_its_entries(fsck: Path, log: ServedLog, tmp_path: Path) -> None:
    root = log.checkpoint(LAST).split("\n")[2]
    good = f"Successfully fsck'd log with size {LAST} and root {root}"

    assert good in run_fsck(fsck, log.url, log.verifier_keys[0], tmp_path)
    with altered_file(log, "checkpoint", None) as url:
        assert good in run_fsck(fsck, url, log.verifier_keys[0], tmp_path)


@pytest.mark.parametrize(("path", "bit"), FILES)
def test_recomputing_finds_a_file_that_was_changed(
    fsck: Path, log: ServedLog, path: str, bit: int, tmp_path: Path
) -> None:
    with altered_file(log, path, bit) as url:
        said = run_fsck(fsck, url, log.verifier_keys[0], tmp_path)

    assert "Successfully" not in said
    # A changed length may leave fewer entries than the tree has, past whose end Tessera 1.0.4 reads (AppendBundle).
    assert "fsck failed" in said or "AppendBundle" in said
