"""``lognotary journal inspect``."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from server.cli import main
from server.data_dir.directory import DataDirectory
from server.log.journal import Journal, segment_files
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from tests.codec.building import PretendedEngine, rows
from tests.log.writers import log_writer

NAME = LogName("example.org", Stream.AUDIT, "node-1")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of a log that has two batches."""
    directory = tmp_path / "data" / "journal" / "audit"
    journal = Journal(directory, 1 << 20)
    writer = log_writer(PretendedEngine(), journal, LogState(NAME), Signer.generate())
    for bodies in (["a", "b"], ["c"]):
        writer.append([rows(Stream.AUDIT, *bodies)], [bytes(32)])
    journal.close()
    return directory


def test_it_lists_batches(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "inspect", "--data-dir", str(journal.parents[1])]) == 0
    file, first, second, *_ = capsys.readouterr().out.splitlines()
    assert file.startswith(str(journal / "00000000000000000001.journal"))
    assert f"batch 1 of {NAME.origin}, leaves 0 to 1, received 2026-" in first
    assert f"batch 2 of {NAME.origin}, leaf 2, received 2026-" in second


def test_it_says_which_batches_are_stored_already_and_how_many_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = tmp_path / "data"
    with DataDirectory(data_dir) as data, closing(Journal(data.journal("audit"), 1 << 20)) as journal:
        writer = log_writer(PretendedEngine(), journal, LogState(NAME), Signer.generate())
        checkpoints = [
            writer.append([rows(Stream.AUDIT, *bodies)], [bytes(32)]).checkpoint for bodies in (["a", "b"], ["c"])
        ]

        def inspected() -> list[str]:
            assert main(["journal", "inspect", "--data-dir", str(data_dir)]) == 0
            return [line.split("  frame")[0].strip() for line in capsys.readouterr().out.splitlines()[1:]]

        assert inspected() == ["waits", "waits", "2 batches wait to be stored"]
        data.remember_checkpoint(Stream.AUDIT, checkpoints[0])
        assert inspected() == ["stored", "waits", "1 batch waits to be stored, 1 is stored already"]
        data.remember_checkpoint(Stream.AUDIT, checkpoints[1])
        assert inspected() == ["stored", "stored", "no batch waits, 2 are stored already"]

    assert main(["journal", "inspect", "--json", "--data-dir", str(data_dir)]) == 0
    segment = json.loads(capsys.readouterr().out)
    assert ([entry["stored"] for entry in segment["entries"]], segment["waiting_batches"]) == ([True, True], 0)


def test_only_what_waits_is_shown_if_that_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = tmp_path / "data"
    with DataDirectory(data_dir) as data, closing(Journal(data.journal("audit"), 1 << 20)) as journal:
        writer = log_writer(PretendedEngine(), journal, LogState(NAME), Signer.generate())
        first, second = (writer.append([rows(Stream.AUDIT, body)], [bytes(32)]).checkpoint for body in "ab")
        data.remember_checkpoint(Stream.AUDIT, first)
        inspect = ["journal", "inspect", "--waiting", "--data-dir", str(data_dir)]
        assert main(inspect) == 0
        _, line, summary = capsys.readouterr().out.splitlines()
        assert "waits" in line
        assert "batch 2" in line
        assert summary == "1 batch waits to be stored, 1 is stored already"
        assert main([*inspect, "--json"]) == 0
        (entry,) = json.loads(capsys.readouterr().out)["entries"]
        assert entry["stored"] is False
        data.remember_checkpoint(Stream.AUDIT, second)
        assert main(inspect) == 0
        assert capsys.readouterr().out == "no batch waits, 2 are stored already\n"


def test_of_a_journal_alone_it_is_unknown_what_is_stored(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "inspect", str(journal)]) == 0
    *_, total, hint = capsys.readouterr().out.splitlines()
    assert total == "it is unknown whether 2 batches are stored"
    assert "--data-dir" in hint


def test_a_damaged_checkpoint_does_not_hide_the_journal(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = journal.parents[1] / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "audit").write_text("nonsense")
    assert main(["journal", "inspect", str(journal)]) == 0
    printed = capsys.readouterr()
    assert f"{checkpoints / 'audit'} is damaged" in printed.err
    assert "it is unknown whether 2 batches are stored" in printed.out


def test_it_shows_damage_and_says_so_by_its_status(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((_, path),) = segment_files(journal)
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert main(["journal", "inspect", "--json", str(journal)]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["entries"] == []
    assert "frame 1" in shown["damage"]
    assert main(["journal", "inspect", str(journal)]) == 1
    assert "✘" in capsys.readouterr().out
    assert path.read_bytes() == content


def test_where_there_is_none_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "inspect", "--data-dir", str(tmp_path)]) == 2
    assert "no journal" in capsys.readouterr().err
