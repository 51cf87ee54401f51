"""Verification of a real server's storage while it grows: keys change, records expire, and the server restarts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from harness.lognotary_server import LognotaryServer, read_verification, run_lognotary
from harness.otlp_load import Load
from harness.waiting import PATIENCE, wait_for
from lognotary.v1.evidence_pb2 import VerifyRequest, VerifySummary
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.log.journal import Journal
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.log.writers import log_writer, open_log, statement_writer
from tests.tamper.store import SECOND, START, request

FLAGS: dict[str, Any] = {"heartbeat": 0.2, **{f"retention_{stream.value}": "1d" for stream in Stream}}
OLD = tuple(LogName("lognotary", stream, "old") for stream in Stream)
OLD_BATCHES = (40, 1, 200, 30)


def verify_all(server: LognotaryServer, *keys: str) -> list[VerifySummary]:
    """Verify everything, and what a few ranges of time contain; check that nothing is found."""
    now = time.time_ns()
    ranges: tuple[dict[str, Timestamp], ...] = (
        {},
        {"since": at(now - 3600 * SECOND)},
        {"since": at(now)},
        {"until": at(now)},
        {"since": at(now - 3 * SECOND), "until": at(now + 3600 * SECOND)},
    )
    summaries = []
    with grpc.insecure_channel(server.api_grpc) as channel:
        for within in ranges:
            request = VerifyRequest(public_keys=keys, since=within.get("since"), until=within.get("until"))
            steps = list(EvidenceServiceStub(channel).Verify(request, timeout=PATIENCE))
            assert [step.finding for step in steps if step.HasField("finding")] == [], within
            assert steps[-1].HasField("summary")
            summaries.append(steps[-1].summary)
    return summaries


def at(nanos: int) -> Timestamp:
    return Timestamp(seconds=nanos // SECOND, nanos=nanos % SECOND)


def verify_storage(server: LognotaryServer, *arguments: str) -> None:
    """Verify without the server, if storage can be opened beside it; check that nothing is found."""
    if server.storage_url.startswith("chdb:"):
        return
    for within in ((), ("--since", "1h")):
        done = run_lognotary(
            *("verify", "--json", "--storage", server.storage_url, "--data-dir", str(server.data_dir)),
            *within,
            *arguments,
            cwd=server.directory,
        )
        assert done.returncode == 0, done.stderr
        assert read_verification(done.stdout)[0] == [], within


def rotate(server: LognotaryServer) -> None:
    done = run_lognotary("keys", "rotate", "--data-dir", str(server.data_dir))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("acknowledge", ["commit", "journal"])
def test_a_growing_log_gives_no_finding(lognotary: LognotaryServer, acknowledge: str) -> None:
    server = LognotaryServer(lognotary.storage_url, lognotary.data_dir, batch_age=0.02, ack=acknowledge, **FLAGS)
    with server, Load(server.otlp_grpc, threads=2) as load:
        load.wait_for_acknowledged(20)
        changes: tuple[Callable[[], None], ...] = (
            lambda: None,
            lambda: rotate(server),
            lambda: load.wait_for_acknowledged(200),
        )
        for change in changes:
            change()
            before = len(load.acknowledged)
            summary, *_ = verify_all(server)
            if acknowledge == "commit":
                assert summary.records >= before
            verify_storage(server)
            load.wait_for_acknowledged(20)


@pytest.mark.parametrize("end", [LognotaryServer.stop, LognotaryServer.kill], ids=["stopped", "killed"])
def test_a_growing_log_gives_no_finding_after_restarts(
    lognotary: LognotaryServer, end: Callable[[LognotaryServer], object]
) -> None:
    server = LognotaryServer(lognotary.storage_url, lognotary.data_dir, batch_age=0.02, **FLAGS)
    for number in range(3):
        server.start()
        with Load(server.otlp_grpc, threads=2) as load:
            load.wait_for_acknowledged(20)
            if number == 1:
                rotate(server)
            verify_all(server)
            verify_storage(server)
            load.wait_for_acknowledged(20)
            end(server)
    server.start()
    verify_all(server)
    server.stop()


def test_records_that_expire_meanwhile_give_no_finding(lognotary: LognotaryServer, tmp_path: Path) -> None:
    keys = tmp_path / "old-keys.txt"
    keys.write_text("".join(f"{key}\n" for key in write_old_logs(lognotary.storage_url, tmp_path)))
    server = LognotaryServer(lognotary.storage_url, lognotary.data_dir, batch_age=0.02, **FLAGS)
    with server, Load(server.otlp_grpc, threads=2) as load:
        load.wait_for_acknowledged(20)
        given = (keys.read_text(), server.verifier_keys.read_text())

        def have_expired() -> bool:
            summary, *_ = verify_all(server, *given)
            verify_storage(server, "--public-key", str(keys), "--public-key", str(server.verifier_keys))
            return summary.expired_records == len(OLD) * sum(OLD_BATCHES)

        wait_for(have_expired)
        load.wait_for_acknowledged(20)
        verify_all(server, *given)


def write_old_logs(storage_url: str, directory: Path) -> list[str]:
    """Write logs whose records may have been dropped long ago; return their verifier keys."""
    signer = Signer.generate()
    with (
        closing(connect(parse_storage_url(storage_url))) as engine,
        closing(Journal(directory / "old-journal", 1 << 20)) as journal,
    ):
        migrate(engine)
        for name in OLD:
            state, *_ = open_log(engine, name, [signer.verifier_key(name.origin)], None, journal)
            stating = statement_writer(engine, journal, state, signer, clock=lambda: START / SECOND)
            stating.state(StatementKind.RETENTION, "86400")
            for number, count in enumerate(OLD_BATCHES):
                state, *_ = open_log(engine, name, [signer.verifier_key(name.origin)], None, journal)
                at = START + number * 86_400 * SECOND
                codec = ReferenceCodec(built_in_rules())
                encode = codec.encode_spans if name.stream is Stream.SPANS else codec.encode
                parts = encode(request(name.stream, state.range.size, count), at)
                log_writer(engine, journal, state, signer).commit(parts)
    return [str(signer.verifier_key(name.origin)) for name in OLD]
