"""Logs that let go of a tenant's records, over a real storage: what verification says before, meanwhile and after."""

from __future__ import annotations

import shutil
import time

import pytest

from server.errors.ingest import StorageRefusedError
from server.log.statement_store import StatementStore
from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.verification.scope import Progress, Scope, Summary
from server.verification.section_check import SectionCheck
from server.verification.sections import ResumePoint, Section, read_context
from server.verification.verification import verify
from storage.tenant_rows import DroppedRows, count_rows, delete_rows
from tests.writer.dropping import ACME, UMBRELLA, commit, dropped, some

from .log_server import DAY, Server

KEPT = f"retention {400 * DAY}"


def rows_of(sizes: dict[str, int], tenant: str = "acme") -> DroppedRows:
    return DroppedRows(tenant, sizes, time.time_ns())


async def test_a_log_lets_go_of_what_it_has_and_protects_what_comes_later(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1", "2"), some("umbrella", "3"))
        answer = await dropped(server.directory, logs, server.engine, "acme")
        assert (answer.sizes, answer.problem) == ({ACME.origin: 2}, "")
        assert server.stated(ACME) == [KEPT, "retention 1", KEPT]
        assert server.stated(UMBRELLA) == [KEPT]
        commit(logs[Stream.AUDIT], some("acme", "4"))
        delete_rows(server.engine, rows_of(dict(answer.sizes)))
        assert server.findings() == []
        *_, summary = verify(server.engine, server.store().trusted(), Scope())
        assert isinstance(summary, Summary)
        assert (summary.expired_records, summary.records) == (2, 4)
        delete_rows(server.engine, rows_of({ACME.origin: 3}))
        assert server.findings() == [FindingKind.RECORD_MISSING]
    server.start()
    assert server.stated(ACME) == [KEPT, "retention 1", KEPT]


async def test_records_that_no_log_has_let_go_of_are_missing(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1", "2"))
        delete_rows(server.engine, rows_of({ACME.origin: 2}))
        assert FindingKind.RECORD_MISSING in server.findings()


async def test_a_verification_that_began_before_finds_nothing_missing(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1", "2"), some("umbrella", "3", "4"))
        keys = server.store().trusted()
        context = read_context(server.engine, keys, list)
        whole = verify(server.engine, keys, Scope())
        first = next(whole)  # everything but the records of one log has been read
        assert isinstance(first, Progress)
        name = UMBRELLA if first.origin == ACME.origin else ACME
        answer = await dropped(server.directory, logs, server.engine, name.tenant)
        delete_rows(server.engine, rows_of(dict(answer.sizes), name.tenant))
        steps = list(whole)
        assert not [step for step in steps if isinstance(step, Finding)]
        assert isinstance(steps[-1], Summary)
        assert steps[-1].expired_records == 2
        (log,) = (log for log in context.logs if log.origin == name.origin)
        section = SectionCheck(server.engine, context, Section(log, ResumePoint(0, ""), log.size))
        assert list(section.findings()) == []
        assert section.expired == 2


async def test_a_hold_without_a_signed_record_is_still_found(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"), some("", "2"))
        columns = "Name, Kind, Scope, Reason, Who, Caller, At"
        values = "'case-1', 'add', '{\"actor\":\"alice\"}', '', '', '', now64(3) - INTERVAL 1 HOUR"
        server.engine.execute(f"INSERT INTO legal_holds ({columns}) VALUES ({values})")
        assert server.findings() == [FindingKind.TABLE_ALTERED]
        answer = await dropped(server.directory, logs, server.engine, "acme")
        delete_rows(server.engine, rows_of(dict(answer.sizes)))
        assert server.findings() == [FindingKind.TABLE_ALTERED]


async def test_a_log_that_the_data_directory_has_forgotten_lets_go_too(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"))
    shutil.rmtree(server.directory / "checkpoints")
    with server.running() as logs:
        assert (await dropped(server.directory, logs, server.engine, "acme")).sizes == {ACME.origin: 1}
        assert (await dropped(server.directory, logs, server.engine, "nobody")).sizes == {}
    assert server.findings() == []


async def test_an_order_that_cannot_be_carried_out_says_why_and_can_be_repeated(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1"))
        with monkeypatch.context() as patch:
            patch.setattr(StatementStore, "store", _refuse)
            answer = await dropped(server.directory, logs, server.engine, "acme")
        assert (answer.sizes, answer.problem) == ({}, "storage is full")
        assert server.stated(ACME) == [KEPT]
        assert (await dropped(server.directory, logs, server.engine, "acme")).problem == ""
    assert server.stated(ACME) == [KEPT, "retention 1", KEPT]


def _refuse(*_: object) -> None:
    raise StorageRefusedError("storage is full")


def test_only_rows_of_the_tenant_and_the_log_are_counted(server: Server) -> None:
    with server.running() as logs:
        commit(logs[Stream.AUDIT], some("acme", "1", "2"), some("", "3"))
        counts = count_rows(server.engine, rows_of({ACME.origin: 1}))
    beside = dict.fromkeys(("otel_logs", "otel_traces", "disclosures", "audit_record_ids"), 0)
    assert counts == {"audit_logs": 1, **beside}
