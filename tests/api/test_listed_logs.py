"""Logs and their checkpoints as the API hands them out, on both engines."""

from __future__ import annotations

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from tests.api.growing import NAME, GrowingLog, insert_copy, update
from tests.api.proving import proved_root
from tests.api.store import LOGS, Writer, audit_event, log_record


def test_all_logs_are_listed_with_their_latest_checkpoints(writer: Writer) -> None:
    writer.write([log_record("a"), audit_event("b")])
    last = writer.write([log_record("c"), log_record("d"), audit_event("e")])
    logs = Backend(writer.engine, writer.keys).list_logs(pb.ListLogsRequest()).logs
    assert [(log.origin, log.stream, log.tree_size, log.sequence) for log in logs] == [
        ("shop/audit/node-1", "audit", 2, 2),
        ("shop/operational/node-1", "operational", 3, 2),
    ]
    for log, stream in zip(logs, (Stream.AUDIT, Stream.OPERATIONAL), strict=True):
        assert log.log_id == LOGS[stream].log_id
        assert log.checkpoint == last[stream].checkpoint
        assert log.ingested_at.ToNanoseconds() == last[stream].ingested_at
        assert list(log.verifier_keys) == [str(writer.signer.verifier_key(log.origin))]
        assert not log.problem


def test_a_log_whose_last_batch_was_altered_is_listed_with_what_is_wrong(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    update(engine, "log_batches", "TreeSize = 4", "1")
    (listed,) = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert "not match what was signed" in listed.problem
    assert not listed.verifier_keys


def test_a_copy_of_an_old_batch_is_not_listed_as_the_latest(engine: Engine) -> None:
    log = GrowingLog(engine)
    old, _ = log.grow(3, 4)
    insert_copy(engine, old, sequence=1 << 60)
    (listed,) = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert (listed.tree_size, listed.problem) == (7, "")


def test_a_copy_of_an_old_batch_is_not_answered_as_the_latest_checkpoint(engine: Engine) -> None:
    log = GrowingLog(engine)
    old, last = log.grow(3, 4)
    insert_copy(engine, old, sequence=1 << 60)
    insert_copy(engine, old, tree_size=9)
    found = Backend(engine, log.keys).get_checkpoint(pb.GetCheckpointRequest(log=NAME.origin))
    assert found.checkpoint == last.checkpoint


def test_a_log_with_a_larger_row_that_is_not_valid_is_listed_with_both(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    GrowingLog(engine).grow(50)
    listed = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert [(one.tree_size, bool(one.problem)) for one in listed] == [(3, False), (50, True)]


def test_no_logs_are_an_empty_list(engine: Engine) -> None:
    assert not Backend(engine, TrustedKeys()).list_logs(pb.ListLogsRequest()).logs


def test_checkpoints_are_found_by_origin_or_id_and_by_size(engine: Engine) -> None:
    log = GrowingLog(engine)
    batches = log.grow(3, 300, 1)
    backend = Backend(engine, log.keys)
    for name in (NAME.origin, NAME.log_id):
        for size, batch in ((0, batches[-1]), (3, batches[0]), (303, batches[1]), (304, batches[2])):
            found = backend.get_checkpoint(pb.GetCheckpointRequest(log=name, tree_size=size))
            assert (found.origin, found.log_id) == (NAME.origin, NAME.log_id)
            assert (found.checkpoint, found.root_hash) == (batch.checkpoint, batch.root_hash)
            assert (found.tree_size, found.sequence) == (batch.tree_size, batch.sequence)
            assert proved_root(found.checkpoint, list(found.verifier_keys)) == (batch.tree_size, batch.root_hash)
