"""The logs of tenants: opened when records arrive, committed together, proved and lost apart, over a real storage."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import replace

import pytest

from server.codec.rows import Rows
from server.data_dir.directory import DataDirectory
from server.errors.ingest import RefusedError, StorageRefusedError
from server.keys.keyring import Keyring
from server.log.stored_log import LogUnusableError
from server.notary.batch import Batch
from server.notary.origin import LogName, LogOwner, Stream
from server.writer.open_streams import OpenStreams
from server.writer.owned_logs import reload_keys, signed_by
from server.writer.signed_stream import SignedStream
from storage.engine import Engine
from storage.rowbinary import read_rows, text, uint64
from tests.codec.building import rows

from .log_server import AUDIT, DAY, Server

ACME, UMBRELLA = (LogName("shop", Stream.AUDIT, "vm", tenant) for tenant in ("acme", "umbrella"))


def some(tenant: str, *bodies: str) -> Rows:
    return rows(Stream.AUDIT, *bodies, ingested_at=time.time_ns(), tenant=tenant)


def commit(stream: SignedStream, *parts: Rows, append: bool = False) -> dict[LogOwner, Batch | RefusedError]:
    write = stream.append if append else stream.commit
    return write(parts, [hashlib.sha256(repr(part).encode()).digest() for part in parts])


def stored(engine: Engine) -> dict[str, list[str]]:
    """Tenants of the audit records in storage, by the origins of their logs."""
    found: dict[str, list[str]] = {}
    answer = engine.query(
        "SELECT Origin, Tenant, count() FROM audit_logs "
        "INNER JOIN (SELECT DISTINCT LogId, Origin FROM log_batches) AS b USING LogId "
        "GROUP BY Origin, Tenant ORDER BY Origin, Tenant"
    )
    for origin, tenant, count in read_rows(answer, (text, text, uint64)):
        found.setdefault(origin, []).extend([tenant] * count)
    return found


def test_a_commit_makes_a_batch_in_the_log_of_each_tenant(server: Server) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        made = commit(stream, some("acme", "1", "2"), some("", "3"), some("umbrella", "4"), some("acme", "5"))
        assert {owner.tenant: isinstance(batch, Batch) and batch.record_count for owner, batch in made.items()} == {
            "acme": 3,
            "": 1,
            "umbrella": 1,
        }
        assert {log.name.origin for log in stream} == {ACME.origin, AUDIT.origin, UMBRELLA.origin}
    assert stored(server.engine) == {
        ACME.origin: ["acme"] * 3,
        AUDIT.origin: [""],
        UMBRELLA.origin: ["umbrella"],
    }
    assert server.findings() == []


def test_records_of_many_tenants_are_one_insert_for_each_table(server: Server) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        parts = [some(f"tenant-{number}", "record") for number in range(50)]
        made = commit(stream, *parts)
        assert len({batch.batch_id for batch in made.values() if isinstance(batch, Batch)}) == 50
    answer = server.engine.query(
        "SELECT table, count() FROM system.parts WHERE active AND database = currentDatabase() "
        "AND table IN ('audit_logs', 'log_batches', 'log_tiles') GROUP BY table ORDER BY table"
    )
    assert dict(read_rows(answer, (text, uint64))) == {"audit_logs": 1, "log_batches": 1, "log_tiles": 1}
    assert server.findings() == []


def test_a_tenants_log_begins_with_how_long_its_records_are_kept(server: Server) -> None:
    with server.running(retention_audit="90d") as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"), some("umbrella", "2"))
        commit(logs[Stream.AUDIT], some("acme", "3"))
    assert [server.stated(name) for name in (ACME, UMBRELLA)] == [[f"retention {90 * DAY}"]] * 2


def test_a_new_retention_is_stated_in_the_logs_of_all_tenants_at_the_start(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"))
    with server.running(retention_audit="30d") as logs:
        assert ACME in {log.name for log in logs[Stream.AUDIT]}
    assert server.stated(ACME) == [f"retention {400 * DAY}", f"retention {30 * DAY}"]


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "forgotten"])
def test_a_restart_goes_on_with_a_tenants_log(server: Server, forgotten: bool) -> None:
    for number in range(3):
        with server.running() as logs:
            [batch] = commit(logs[Stream.AUDIT], some("acme", f"{number}")).values()
            assert isinstance(batch, Batch)
            assert (batch.sequence, batch.first_leaf) == (number + 1, number)
        if forgotten:
            shutil.rmtree(server.directory / "checkpoints")
    assert server.findings() == []


def test_batches_of_tenants_that_wait_in_the_journal_are_stored_by_the_next_start(server: Server) -> None:
    with server.running(ack="journal") as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"), some("", "2"), append=True)
    shutil.rmtree(server.directory / "checkpoints")  # so that only the journal knows the tenant
    with server.running(ack="journal") as logs:
        commit(logs[Stream.AUDIT], some("acme", "3"), append=True)
        logs[Stream.AUDIT].stream.store_waiting()
    assert stored(server.engine) == {ACME.origin: ["acme"] * 2, AUDIT.origin: [""]}
    assert server.findings() == []


def test_storage_that_was_rolled_back_is_noticed_by_a_tenants_log_too(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"))
    server.engine.execute(f"ALTER TABLE log_batches DELETE WHERE LogId = '{ACME.log_id}' SETTINGS mutations_sync = 2")
    shutil.rmtree(server.directory / "journal")  # which would store the batch again
    with pytest.raises(LogUnusableError, match=f"the log {ACME.origin} had 1 entry"), server.running():
        pass


def test_a_tenant_whose_log_cannot_be_opened_keeps_no_other_out(server: Server) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        commit(stream, some("acme", "1"))
        server.engine.execute("ALTER TABLE log_statements ADD CONSTRAINT full CHECK 0")
        made = commit(stream, some("acme", "2"), some("umbrella", "3"))
        assert isinstance(made[LogOwner("acme")], Batch)
        refused = made[LogOwner("umbrella")]
        assert isinstance(refused, StorageRefusedError)
        assert refused.for_senders == "the log of this tenant cannot be opened now"
        assert stream.refusing == 1
        commit(stream, some("acme", "4"))
        assert stream.refusing == 1, "the refusal of one tenant is not forgotten because another one's are kept"
        server.engine.execute("ALTER TABLE log_statements DROP CONSTRAINT full")
        again = commit(stream, some("umbrella", "3"))
        assert isinstance(again[LogOwner("umbrella")], Batch)
        assert stream.refusing == 0
    assert server.stated(UMBRELLA) == [f"retention {400 * DAY}"]
    assert server.findings() == []


def test_a_new_tenant_whose_log_cannot_be_opened_keeps_no_other_new_one_out_and_is_logged_once_for_each_reason(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        server.engine.execute(f"ALTER TABLE log_statements ADD CONSTRAINT other CHECK LogId != '{UMBRELLA.log_id}'")
        for number in range(4):
            made = commit(stream, some("umbrella", "1"), some(f"first-{number}", "2"), some(f"second-{number}", "3"))
            assert isinstance(made.pop(LogOwner("umbrella")), StorageRefusedError)
            assert len(made) == 2
            assert all(isinstance(batch, Batch) for batch in made.values())
        told = [record.getMessage() for record in caplog.records if "cannot be opened" in record.getMessage()]
        assert all(line.startswith(f"the log {UMBRELLA.origin} cannot be opened") for line in told)
        assert len(set(told)) == len(told) < 4
        server.engine.execute("ALTER TABLE log_statements DROP CONSTRAINT other")
        with caplog.at_level("INFO"):
            assert isinstance(commit(stream, some("umbrella", "1"))[LogOwner("umbrella")], Batch)
        assert f"the log {UMBRELLA.origin} is open after" in caplog.text
    assert server.findings() == []


def test_heartbeats_of_all_tenants_are_one_insert(server: Server) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        commit(stream, *(some(f"tenant-{number}", "record") for number in range(20)))
        server.engine.execute("OPTIMIZE TABLE log_statements FINAL")
        stream.state_heartbeats()
    answer = server.engine.query(
        "SELECT uniqExact(_part), count() FROM log_statements WHERE Kind = 'heartbeat'", settings={}
    )
    assert list(read_rows(answer, (uint64, uint64))) == [(1, 21)]
    assert server.findings() == []


def test_a_rotated_key_signs_the_logs_of_tenants_too(server: Server) -> None:
    store = server.store()
    with server.running(store) as logs:
        streams = list(logs.values())
        commit(logs[Stream.AUDIT], some("acme", "1"))
        _, new = store.rotate()
        reload_keys(streams, Keyring(store))
        server.settle(logs)
        assert signed_by(streams, Keyring(store))[""] == new.fingerprint
        commit(logs[Stream.AUDIT], some("acme", "2"), some("umbrella", "3"))
    assert server.stated(ACME)[1:] == ["keys"]
    assert server.findings(new.public_key) == []


def test_what_tenants_logs_have_grown_to_is_known_without_storage(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1", "2"))
    with DataDirectory(server.directory) as data:
        assert data.further_logs(AUDIT) == [ACME]
        checkpoint = data.last_checkpoint(ACME)
        assert checkpoint is not None
        assert checkpoint.size == 2


def test_who_looked_has_a_log_of_its_own_beside_the_tenants(server: Server) -> None:
    with server.running() as logs:
        stream = logs[Stream.AUDIT]
        looked = replace(some("acme", "searched"), owner=LogOwner("acme", access=True))
        commit(stream, looked, some("acme", "1"), replace(some("", "searched"), owner=LogOwner(access=True)))
        commit(stream, looked)
    assert stored(server.engine) == {
        "shop/acme/access/vm": ["acme"] * 2,
        "shop/access/vm": [""],
        ACME.origin: ["acme"],
    }
    with server.running() as logs:
        assert len(list(logs[Stream.AUDIT])) == 4
    assert server.findings() == []


def test_a_tenant_that_somebody_only_asked_about_is_none_that_has_sent(server: Server) -> None:
    with server.running() as logs:
        looked = replace(some("ghost", "searched"), owner=LogOwner("ghost", access=True))
        commit(logs[Stream.AUDIT], looked, some("acme", "1"))
    with server.running() as logs:
        assert LogOwner("ghost", access=True) in {log.name.owner for log in logs[Stream.AUDIT]}
        assert OpenStreams(logs, {}, {}, {}).tenants == {"", "acme"}
