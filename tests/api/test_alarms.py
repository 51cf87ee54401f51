"""Findings of verifications that raise the server's alarm, and those that only the caller is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lognotary.v1 import evidence_pb2
from server.access.callers import Grant, Role
from server.access.scopes import scope_of
from server.api.alarms import alarming
from server.api.backend import Backend
from server.notary.findings import Finding
from server.notary.origin import Stream
from storage.bound import BoundEngine, ReadScope, reading_as, unlimited
from storage.engine import Engine
from tests.api.growing import update
from tests.api.tenants import LOGS, tenant

ALPHA = scope_of([Grant(Role.AUDITOR, frozenset({"alpha"}))], whole_logs=True)


def test_only_what_is_found_in_logs_that_the_caller_may_read_raises_the_alarm(engine: Engine, tmp_path: Path) -> None:
    alpha = tenant(engine, tmp_path, "alpha")
    bravo = tenant(engine, tmp_path, "bravo")
    raised: list[Finding] = []
    backend = Backend(
        BoundEngine(engine), alpha.keys + bravo.keys, on_finding=alarming(raised.append, "shop"), queries=1
    )

    def verify(scope: ReadScope, **request: Any) -> tuple[set[str], list[str]]:
        """Return the kinds of findings that the caller is told, and the logs of those that raise the alarm."""
        raised.clear()
        with reading_as(scope):
            steps = list(backend.verify(evidence_pb2.VerifyRequest(lookups=0, **request)))
        told = {evidence_pb2.FindingKind.Name(step.finding.kind) for step in steps if step.HasField("finding")}
        return told, [finding.origin for finding in raised]

    with unlimited():
        theirs = backend.get_checkpoint(evidence_pb2.GetCheckpointRequest(log=LOGS["bravo"][Stream.AUDIT].origin))
    assert verify(ALPHA, logs=[LOGS["bravo"][Stream.AUDIT].origin]) == ({"LOG_MISSING"}, [])
    assert verify(ALPHA, checkpoints=[theirs.checkpoint]) == ({"LOG_TRUNCATED"}, [])
    update(engine, "audit_logs", "ActorId = 'eve'", "Action = 'alpha.create' AND LeafIndex = 0")
    told, alarms = verify(ALPHA, logs=["shop/audit/misspelled"])
    assert told == {"LOG_MISSING", "RECORD_CHANGED"}
    assert alarms == [LOGS["alpha"][Stream.AUDIT].origin]
