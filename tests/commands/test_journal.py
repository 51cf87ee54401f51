"""``lognotary journal inspect``."""

from __future__ import annotations

import json
import re
import threading
from contextlib import closing
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest

from server.cli import main
from server.data_dir.directory import DataDirectory
from server.keys.journal_key import create_key_file, read_key_file
from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.journal_frames import encode_frame, scan_segment
from server.log.journal_keys import JournalKeys, MasterKey
from server.log.journal_segments import segment_files
from server.log.key_changes import KeyChanges
from server.log.open_log import LogRecords, OpenLog
from server.log.stream_writer import StreamWriter
from server.log.unsigned_writer import UnsignedWriter
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from tests.codec.building import PretendedEngine, rows
from tests.commands.rights import without_privileges
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
        data.remember_checkpoints({NAME: checkpoints[0]})
        assert inspected() == ["stored", "waits", "1 batch waits to be stored, 1 is stored already"]
        data.remember_checkpoints({NAME: checkpoints[1]})
        assert inspected() == ["stored", "stored", "no batch waits, 2 are stored already"]

    assert main(["journal", "inspect", "--json", "--data-dir", str(data_dir)]) == 0
    segment = json.loads(capsys.readouterr().out)
    assert ([entry["stored"] for entry in segment["entries"]], segment["waiting_batches"]) == ([True, True], 0)


def test_the_batches_of_a_frame_are_told_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, signer = LogName("example.org", Stream.AUDIT, "node-2"), Signer.generate()
    with DataDirectory(tmp_path) as data, closing(Journal(data.journal("audit"), 1 << 20)) as journal:
        writer = StreamWriter(PretendedEngine(), Stream.AUDIT, journal, data, threading.Event())
        for name in (NAME, other):
            writer.add(OpenLog(CommittedLog(LogState(name)), KeyChanges(name.origin, signer)))
        records = {NAME: LogRecords([rows(Stream.AUDIT, "a", "b")]), other: LogRecords([rows(Stream.AUDIT, "c")])}
        batch = writer.append(records)[NAME]
        assert isinstance(batch, Batch)
        data.remember_checkpoints({NAME: batch.checkpoint})
    assert main(["journal", "inspect", "--data-dir", str(tmp_path)]) == 0
    _, first, second, *summary = capsys.readouterr().out.splitlines()
    assert re.match(rf"  stored +frame 1  .* batch 1 of {NAME.origin}, leaves 0 to 1", first)
    assert re.match(rf"  unknown +frame 1  .* batch 1 of {other.origin}, leaf 0", second)  # the directory has one log
    assert summary[0] == "no batch waits, 1 is stored already, it is unknown whether 1 batch is stored"
    assert "what is stored is known only of the logs in the data directory" in summary[-1]
    assert main(["journal", "inspect", "--json", "--data-dir", str(tmp_path)]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [(entry["frame"], entry["origin"], entry["stored"]) for entry in entries] == [
        (1, NAME.origin, True),
        (1, other.origin, None),
    ]


def test_only_what_waits_is_shown_if_that_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = tmp_path / "data"
    with DataDirectory(data_dir) as data, closing(Journal(data.journal("audit"), 1 << 20)) as journal:
        writer = log_writer(PretendedEngine(), journal, LogState(NAME), Signer.generate())
        first, second = (writer.append([rows(Stream.AUDIT, body)], [bytes(32)]).checkpoint for body in "ab")
        data.remember_checkpoints({NAME: first})
        inspect = ["journal", "inspect", "--waiting", "--data-dir", str(data_dir)]
        assert main(inspect) == 0
        _, line, summary = capsys.readouterr().out.splitlines()
        assert "waits" in line
        assert "batch 2" in line
        assert summary == "1 batch waits to be stored, 1 is stored already"
        assert main([*inspect, "--json"]) == 0
        (entry,) = json.loads(capsys.readouterr().out)["entries"]
        assert entry["stored"] is False
        data.remember_checkpoints({NAME: second})
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


def test_where_there_is_none_it_names_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal" / "audit").mkdir(parents=True)
    for given in (["--data-dir", str(tmp_path)], [str(tmp_path)], [str(tmp_path / "journal" / "audit")]):
        assert main(["journal", "inspect", *given]) == 2
        assert f"there is no journal in {given[-1]}, or nothing in it" in capsys.readouterr().err
    assert main(["journal", "inspect", str(tmp_path / "none")]) == 2
    assert f"{tmp_path / 'none'} does not exist" in capsys.readouterr().err


def test_a_directory_of_journals_stands_for_all_of_them(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copytree(journal, journal.parent / "operational")
    copytree(journal.parents[1], journal.parents[1] / "workers" / "1")
    for directory, journals in ((journal.parents[1], 4), (journal.parent, 2), (journal, 1)):
        assert main(["journal", "inspect", str(directory)]) == 0
        printed = capsys.readouterr().out
        assert printed.count(".journal  ") == journals
        assert f"it is unknown whether {2 * journals} batches are stored" in printed


@pytest.mark.parametrize("closed", ["", "journal", "journal/audit"])
def test_a_journal_that_may_not_be_read_is_not_called_missing(closed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with TemporaryDirectory() as made:  # not tmp_path, which only root may enter
        Path(made).chmod(0o755)
        data_dir = Path(made) / "data"
        journal = data_dir / "journal" / "audit"
        journal.mkdir(parents=True)
        (journal / "00000000000000000001.journal").touch()
        assert main(["journal", "inspect", str(data_dir)]) == 1  # it is damaged
        capsys.readouterr()
        (data_dir / closed).chmod(0)
        try:
            with without_privileges():
                for given in (["--data-dir", str(data_dir)], [str(data_dir)], [str(journal)]):
                    status, printed = main(["journal", "inspect", *given]), capsys.readouterr()
                    assert (status, "cannot be read: Permission denied" in printed.err) == (2, True), printed
                    assert "there is no journal" not in printed.err
        finally:
            (data_dir / closed).chmod(0o700)


def test_batches_of_a_stream_that_is_not_signed_are_listed_and_told_as_stored_or_waiting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data" / "journal" / "operational-unsigned"
    writer = UnsignedWriter(PretendedEngine(), Stream.OPERATIONAL, Journal(directory, 1 << 20), threading.Event())
    with closing(writer):
        writer.append([rows(Stream.OPERATIONAL, "a", "b")])
        writer.store_waiting()
        writer.append([rows(Stream.OPERATIONAL, "c")])
    assert main(["journal", "inspect", "--data-dir", str(tmp_path / "data")]) == 0
    _, first, second, *summary = capsys.readouterr().out.splitlines()
    assert first.startswith("  stored   frame 1")
    assert "2 records without a log, received on 2026-09-21" in first
    assert second.startswith("  waits    frame 2")
    assert "1 unsigned batch waits to be stored, 1 is stored already" in summary
    assert main(["journal", "inspect", "--data-dir", str(tmp_path / "data"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["waiting_batches"], [entry["stored"] for entry in shown["entries"]]) == (1, [True, False])


def test_an_encrypted_journal_is_listed_with_its_key_and_else_its_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "journal.key"
    assert main(["journal", "key", str(key_file)]) == 0
    assert str(key_file) in capsys.readouterr().out
    key = MasterKey(read_key_file(key_file))
    data_dir = tmp_path / "data"
    directory = data_dir / "journal" / "audit"
    with closing(Journal(directory, 1 << 20, keys=JournalKeys(key))) as journal:
        writer = log_writer(PretendedEngine(), journal, LogState(NAME), Signer.generate())
        writer.append([rows(Stream.AUDIT, "a")], [bytes(32)])
    inspect = ["journal", "inspect", "--data-dir", str(data_dir)]
    assert main([*inspect, "--journal-key", str(key_file)]) == 0
    file, entry, *_ = capsys.readouterr().out.splitlines()
    assert file.endswith(f"encrypted with key {key.key_id.hex()}")
    assert f"batch 1 of {NAME.origin}, leaf 0" in entry
    assert main(inspect) == 0
    _, entry, _, hint = capsys.readouterr().out.splitlines()
    assert "encrypted, with a key that is not given" in entry
    assert "--journal-key" in hint
    assert key.key_id.hex() in hint
    assert main(["journal", "key", str(key_file)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_an_entry_that_was_changed_in_an_encrypted_journal_is_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "journal.key"
    key = MasterKey(create_key_file(key_file))
    with closing(Journal(tmp_path / "audit", 1 << 20, keys=JournalKeys(key))) as journal:
        journal.append([b"payload"])
    ((first, path),) = segment_files(tmp_path / "audit")
    with path.open("rb") as file:
        scan = scan_segment(file, first)
    (frame,) = scan.frames
    changed = b"".join(encode_frame(scan.marker, 1, [bytes(frame.length)]))
    path.write_bytes(path.read_bytes()[: frame.offset] + changed)
    assert main(["journal", "inspect", str(tmp_path / "audit"), "--journal-key", str(key_file)]) == 1
    assert "✘ frame 1 is not what the server encrypted in its place" in capsys.readouterr().out
