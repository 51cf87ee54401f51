"""A journal that is lost can be given up: its ids become free, and no record is stored twice if it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.audit_ids.abandoned import abandon_journal
from server.cli import main
from server.errors.audit_records import AuditRecordClaimedError
from server.log.stored_log import LogUnusableError
from server.notary.origin import LogName, Stream
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import LeaseHeldError, LeaseLostError, NotAppliedError
from storage.lease import FencedEngine, claim_lease
from storage.migrate import migrate
from storage.url import parse_storage_url
from storage.writers import WriterName
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record

NAME = LogName("shop", Stream.AUDIT, "lost")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path / 'chdb'}"))) as engine:
        migrate(engine)
        yield engine


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose storage fails leaves its journal as it is when it ends."""
    monkeypatch.setattr("server.writer.ingestion.FLUSH_GRACE", 0.0)


def lose(_: LeaseLostError) -> None:
    raise AssertionError("the lease was lost")


def give_up(engine: Engine) -> int:
    lease = claim_lease(engine, WriterName("shop", "lost", "here: abandon [1]"), lose)
    try:
        return abandon_journal(FencedEngine(engine, lease), NAME)
    finally:
        lease.release()


def no_records(table: str) -> None:
    if table == "audit_logs":
        raise NotAppliedError("no room")


async def test_a_record_whose_server_is_lost_is_stored_once_even_if_the_server_comes_back(
    engine: Engine, tmp_path: Path
) -> None:
    committed, journaled, later = audit_record(), audit_record(), audit_record()
    committing, process = (AuditProcess(tmp_path, engine, "lost", ack=ack) for ack in ("commit", "journal"))
    other = AuditProcess(tmp_path, engine, "other")
    async with committing.running():
        (kept,) = await committing.send(committed)
    async with process.running():
        process.engine.before = no_records
        await process.send(journaled)
    async with other.running():
        with pytest.raises(AuditRecordClaimedError):
            await other.send(journaled)
        give_up(engine)
        (receipt,) = await other.send(journaled)
        assert list(await other.send(committed)) == [kept]
    with pytest.raises(LogUnusableError, match="shop/audit/lost was given up"):
        async with committing.running():
            pass
    journal = Path(process.settings.data_dir) / "journal" / "audit"
    journal.rename(tmp_path / "safe")
    process.engine.before = lambda _: None
    async with process.running():
        assert list(await process.send(journaled)) == [receipt]
        process.engine.before = no_records
        await process.send(later)
    async with committing.running():  # what was journaled after that is stored
        await committing.send(later)
    assert len(stored(engine)) == len({name for name, _ in stored(engine)}) == 3


def test_the_journal_of_a_server_that_runs_is_not_given_up(engine: Engine) -> None:
    claim_lease(engine, WriterName("shop", "lost", "there [2]"), lose)
    with pytest.raises(LeaseHeldError):
        give_up(engine)


def test_the_command_names_the_log_and_refuses_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    for wrong, says in (("lost", "is not the origin of a log"), ("shop/spans/lost", "only logs of the stream audit")):
        assert main(["journal", "abandon", wrong, "--storage", storage]) == 2
        assert says in capsys.readouterr().err
    with closing(connect(parse_storage_url(storage))) as engine:
        migrate(engine)
    assert main(["journal", "abandon", NAME.origin, "--storage", storage]) == 0
    assert capsys.readouterr().out.startswith("the journal of shop/audit/lost is given up; 0 open claims")
