"""Requests with audit records are checked before anything is stored, in threads if they are large."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.codec.request_look import Look, RequestLook
from server.errors.ingest import MalformedRequestError, OverloadedError, OversizedError, UnprovedRecordError
from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record, bytes_of
from tests.codec.producers.signing import producer, shared, signed
from tests.codec.producers.signing import request_of as signed_request


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path_factory.mktemp('checking') / 'chdb'}"))) as engine:
        migrate(engine)
        yield engine


class WaitingLook(RequestLook):
    """A look at requests that waits until it is let go, and notes in which threads it was."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.go = threading.Event()

    def look(self, request: bytes) -> Look:
        self.threads.append(threading.current_thread().name)
        self.go.wait()
        return super().look(request)


async def test_a_large_request_that_is_not_checked_in_time_is_to_be_sent_again(engine: Engine, tmp_path: Path) -> None:
    process = AuditProcess(tmp_path, engine, "slow", ack_timeout="0.1")
    look = WaitingLook()
    large = [audit_record() for _ in range(100)]
    async with process.running():
        process.writing.audit.look_at_requests(look)
        with pytest.raises(OverloadedError, match="not checked in time"):
            await process.send(*large)
        look.go.set()
        with pytest.raises(MalformedRequestError):
            await process.send_bytes(b"\xff")
    assert look.threads[0].startswith("audit-check")
    assert look.threads[1] == threading.main_thread().name


async def test_bytes_that_are_no_request_are_refused_before_ids_are_claimed(engine: Engine, tmp_path: Path) -> None:
    process = AuditProcess(tmp_path, engine, "malformed")
    process.engine.before = lambda table: pytest.fail(f"{table} was written") if "ids" in table else None
    async with process.running():
        for request in (b"\xff", b"\x0a\x05abc", bytes_of(audit_record())[:-2]):
            with pytest.raises(MalformedRequestError):
                await process.send_bytes(request)


async def test_a_request_whose_rows_or_values_have_no_room_is_refused_before_it_is_parsed(
    engine: Engine, tmp_path: Path
) -> None:
    class LargeLook(RequestLook):
        def look(self, request: bytes) -> Look:
            return Look(redacts=False, size=1 << 40)

    process = AuditProcess(tmp_path, engine, "small")
    async with process.running():
        process.writing.audit.look_at_requests(LargeLook())
        with pytest.raises(OversizedError, match="the request needs 1099511627776 bytes"):
            await process.send(audit_record())


async def test_the_signature_of_a_record_that_comes_again_is_checked_too(engine: Engine, tmp_path: Path) -> None:
    one = producer()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "one.pem").write_text(one.pem)
    process = AuditProcess(
        tmp_path, engine, "signed", producer_signatures="require", producer_keys=str(tmp_path / "keys")
    )
    resource = shared("ES256", one.full)
    record = audit_record()
    unsigned = signed_request(record, resource=resource)
    good = signed_request(signed(record, "ES256", one.key), resource=resource)
    record.attributes[-1].value.string_value = "AAAA"
    before = stored(engine)
    async with process.running():
        (receipt,) = await process.send_bytes(good)
        for bad, says in ((unsigned, "it is not signed"), (signed_request(record, resource=resource), "failed")):
            with pytest.raises(UnprovedRecordError, match=says):
                await process.send_bytes(bad)
        assert list(await process.send_bytes(good)) == [receipt]
    assert len(stored(engine)) == len(before) + 1
