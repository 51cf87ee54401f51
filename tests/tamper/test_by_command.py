"""The command that reads storage itself: its exit status, whatever was done to the storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tamper.routes import by_command
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, TABLES, row

pytestmark = pytest.mark.parametrize("written", ["server"], indirect=True)  # this process holds the embedded one

WITHIN: dict[str, tuple[str, ...]] = {
    "whole": (),
    "since": ("--since", "2025-06-16T00:00:00Z"),
    "until": ("--until", "2100-01-01T00:00:00Z"),
}
RANGES = pytest.mark.parametrize("within", WITHIN.values(), ids=WITHIN)
WIPED = tuple(f"ALTER TABLE {table} DELETE WHERE LogId = '{AUDIT.log_id}'" for table in TABLES)


def verify(stated: Stated, directory: Path, *arguments: str) -> tuple[int, int, str]:
    """Return the exit status, the number of findings, and what is printed to stderr."""
    url = stated.reader.info.name
    status, found, message = by_command(url, stated, directory, *arguments)
    assert "Traceback" not in message
    return status, len(found), message


@RANGES
def test_an_untouched_storage_is_0(stated: Stated, tmp_path: Path, within: tuple[str, ...]) -> None:
    assert verify(stated, tmp_path, *within)[:2] == (0, 0)
    logs = ("--log", AUDIT.origin, "--log", OPERATIONAL.log_id)
    assert verify(stated, tmp_path, *logs, *within)[:2] == (0, 0)


@RANGES
def test_a_changed_record_is_1(stated: Stated, tmp_path: Path, within: tuple[str, ...]) -> None:
    stated.tamper(f"ALTER TABLE audit_logs UPDATE Body = 'other' WHERE {row(AUDIT, 95)}")
    assert verify(stated, tmp_path, *within)[:2] == (1, 1)


@RANGES
@pytest.mark.parametrize("tables", [TABLES, TABLES[3:], ("log_batches",)], ids=["all", "evidence", "batches"])
def test_tables_that_were_emptied_are_no_success(
    stated: Stated, tmp_path: Path, tables: tuple[str, ...], within: tuple[str, ...]
) -> None:
    stated.tamper(*(f"TRUNCATE TABLE {table}" for table in tables))
    assert verify(stated, tmp_path, *within)[0] == 1


@RANGES
@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_was_dropped_is_1_and_named(
    stated: Stated, tmp_path: Path, table: str, within: tuple[str, ...]
) -> None:
    stated.tamper(f"DROP TABLE {table} SYNC")
    status, found, message = verify(stated, tmp_path, *within)
    assert (status, found > 0) == (1, True), message


@RANGES
def test_a_log_that_was_wiped_is_named_by_who_knows_that_it_must_be_there(
    stated: Stated, tmp_path: Path, within: tuple[str, ...]
) -> None:
    stated.tamper(*WIPED)
    kept = tmp_path / "kept"
    kept.write_text(stated.batches[AUDIT][1].checkpoint)
    listed = tmp_path / "logs"
    listed.write_text(f"{OPERATIONAL.origin}\n{AUDIT.origin}\n")
    for known in (
        ("--checkpoint", str(kept)),
        ("--log", AUDIT.origin),
        ("--log", AUDIT.log_id),
        ("--logs-file", str(listed)),
    ):
        status, found, message = verify(stated, tmp_path, *known, *within)
        assert (status, found) == (1, 1), (known, message)
