"""Two tenants on one storage: no answer to one depends on what the other has stored, or on what was answered to others.

Every answer to a tenant, also to a question about the other's logs, records, actors and traces, is the same before the
other has stored anything and afterwards: the same bytes, the same counts, the same errors.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from lognotary.v1 import (
    correlation_pb2,
    counts_pb2,
    disclosures_pb2,
    evidence_pb2,
    export_pb2,
    receipts_pb2,
    status_pb2,
)
from server.access.callers import Grant, Role
from server.access.scopes import scope_of
from server.api.backend import Backend
from server.api.errors import NotFoundError
from server.api.tail_cursors import make_cursor, parse_cursor
from server.notary.origin import LogName, Stream
from server.notary.tiles import Tile
from storage.bound import BoundEngine, ReadScope, reading_as, unlimited
from storage.engine import Engine
from tests.api.tenants import LOGS, NAMES, RANGE, SHARED, TENANTS, UNKNOWN, WORDS, tenant
from tests.effort import effort

OPERATIONS = 40 + effort(120)


def operation(chance: random.Random) -> tuple[str, Callable[[Backend], Any]]:
    """Return a random call, with what it is called."""
    word, trace = chance.choice(WORDS), chance.choice([*TENANTS.values(), SHARED, UNKNOWN])
    log, leaf, size = chance.choice(NAMES), chance.randrange(8), chance.randrange(9)
    query = chance.choice(["", word, f"trace:{trace}", f"service:{word}", f"marker={word}", f"actor:{word}"])
    streams = chance.choice([[], ["audit"], ["operational"], ["spans"], ["audit", "operational", "spans"]])
    asked: dict[str, Any] = {"query": query, "streams": streams, **RANGE}
    pages: dict[str, Any] = {"page_size": chance.randrange(1, 20)}
    correlation, evidence = correlation_pb2, evidence_pb2
    calls: list[tuple[str, Message]] = [
        ("search", correlation.SearchRequest(**asked, **pages, count_up_to=100)),
        ("histogram", counts_pb2.HistogramRequest(**asked)),
        ("facets", counts_pb2.FacetsRequest(**asked, fields=["service", "marker"])),
        ("field_names", counts_pb2.FieldNamesRequest(**asked)),
        ("find_traces", correlation.FindTracesRequest(**asked, **pages)),
        ("neighbours", correlation.NeighboursRequest(log=log, leaf_index=leaf, by="leaf", before=3, after=3)),
        ("actor_timeline", correlation.ActorTimelineRequest(actor_id=word, **RANGE, **pages)),
        ("target_history", correlation.TargetHistoryRequest(target_id=f"{word}-target", **RANGE, **pages)),
        ("get_trace", correlation.GetTraceRequest(trace_id=trace)),
        ("search_audit_events", correlation.SearchAuditEventsRequest(actor_id=word, **RANGE, **pages)),
        ("list_logs", evidence.ListLogsRequest()),
        ("get_checkpoint", evidence.GetCheckpointRequest(log=log, tree_size=chance.choice([0, size]))),
        (
            "get_inclusion_proof",
            evidence.GetInclusionProofRequest(
                log=log,
                leaf_index=leaf,
                include_record=chance.random() < 0.5,
                for_evidence=chance.random() < 0.3,
                tree_size=chance.choice([0, size]),
            ),
        ),
        ("get_bundle", evidence.GetBundleRequest(log=log, leaf_index=leaf)),
        (
            "get_consistency_proof",
            evidence.GetConsistencyProofRequest(log=log, first=min(leaf, 2), second=chance.choice([0, 6])),
        ),
        ("get_receipt", receipts_pb2.GetReceiptRequest(record_id=f"00000000-0000-0000-0000-{leaf:012}")),
        ("list_tenants", status_pb2.ListTenantsRequest(**chance.choice([{}, RANGE]))),
        ("disclose", disclosures_pb2.DiscloseRequest(commitments=[UNKNOWN * 2])),
        ("export", export_pb2.ExportRequest(**asked)),
        ("complete_search", correlation.CompleteSearchRequest(**asked)),
        ("verify", evidence.VerifyRequest(logs=chance.choice([[], [log]]), lookups=0)),  # which lookups is random
    ]
    name, request = chance.choice(calls)
    if chance.random() < 0.15:
        log_id = LogName.parse(log).log_id if "/" in log else log
        tile = Tile(0, 0, 1 + chance.randrange(6), entries=chance.random() < 0.5)
        read = chance.choice([lambda backend: backend.latest_checkpoint(log_id), lambda b: b.read_tile(log_id, tile)])
        return f"tile {log_id} {tile}", read
    return f"{name} {request}", lambda backend: getattr(backend, name)(request)


def scope_for(name: str, chance: random.Random) -> str:
    return "verification" if name.startswith(("verify", "complete_search")) else chance.choice(list(SCOPES))


def answer_of(backend: Backend, ask: Callable[[Backend], Any]) -> list[Any]:
    """Return all that a caller gets: the messages of an answer, or the error, or both."""
    found: list[Any] = []
    try:
        answer = ask(backend)
        for step in [answer] if isinstance(answer, (Message, str, bytes)) else answer:
            found += [str(step) if isinstance(step, Message) else step]  # what came before an error counts
    except Exception as error:
        found.append((type(error).__name__, str(error)))
    return found


@pytest.fixture
def backend(engine: Engine, tmp_path: Path) -> tuple[Backend, Callable[[], None]]:
    """The API on a storage with the tenant alpha; and a function that adds the tenant bravo."""
    alpha = tenant(engine, tmp_path, "alpha")
    keys = alpha.keys
    made = Backend(BoundEngine(engine), keys)

    def add() -> None:
        made.believe(keys + tenant(engine, tmp_path, "bravo").keys)

    return made, add


ALPHA = frozenset({"alpha"})
SCOPES = {
    "all roles": scope_of([Grant(Role.VIEWER, ALPHA), Grant(Role.AUDITOR, ALPHA)]),
    "administrator": scope_of([Grant(Role.ADMIN, ALPHA)]),
    "viewer": scope_of([Grant(Role.VIEWER, ALPHA)]),
    "verification": scope_of([Grant(Role.AUDITOR, ALPHA)], whole_logs=True),
    "one service": scope_of([Grant(Role.ADMIN, ALPHA, services=frozenset({"alpha"}))]),
}


def test_no_answer_to_a_tenant_depends_on_the_other(
    backend: tuple[Backend, Callable[[], None]],
) -> None:
    api, add = backend
    chance = random.Random(17)
    asked = [(name, ask, scope_for(name, chance)) for name, ask in (operation(chance) for _ in range(OPERATIONS))]
    before = []
    for _, ask, scope in asked:
        with reading_as(SCOPES[scope]):
            before.append(answer_of(api, ask))
    add()
    with unlimited():
        whole = [answer_of(api, ask) for _, ask, _ in asked]  # what may be cached now is of both tenants
    assert sum("bravo" in str(answer) for answer in whole) > OPERATIONS // 10
    assert "UnboundReadError" not in str(before)
    for (name, ask, scope), known in zip(asked, before, strict=True):
        with reading_as(SCOPES[scope]):
            assert answer_of(api, ask) == known, f"{scope}: {name}"


def test_a_log_of_another_tenant_is_one_that_does_not_exist(backend: tuple[Backend, Callable[[], None]]) -> None:
    api, add = backend
    add()
    theirs, unknown = LOGS["bravo"][Stream.AUDIT], LogName("shop/bravo", Stream.AUDIT, "node-2")

    def refused(name: LogName, **request: Any) -> str:
        with reading_as(SCOPES["all roles"]), pytest.raises(NotFoundError) as error:
            api.get_inclusion_proof(evidence_pb2.GetInclusionProofRequest(log=name.log_id, leaf_index=0, **request))
        return str(error.value).replace(name.log_id, "…").replace(name.origin, "…")

    with unlimited():
        assert api.get_inclusion_proof(evidence_pb2.GetInclusionProofRequest(log=theirs.log_id, leaf_index=0)).path
    assert refused(theirs) == refused(unknown)
    assert refused(theirs, for_evidence=True) == refused(unknown, for_evidence=True)
    with reading_as(SCOPES["all roles"]):
        assert {log.origin for log in api.list_logs(evidence_pb2.ListLogsRequest()).logs} == {
            log.origin for log in LOGS["alpha"].values()
        }


def test_page_tokens_of_another_tenant_lead_to_own_records_only(
    backend: tuple[Backend, Callable[[], None]],
) -> None:
    api, add = backend
    add()
    request = correlation_pb2.SearchRequest(query="shared", page_size=2, **RANGE)
    with unlimited():
        pages = [api.search(request)]
        while pages[-1].next_page_token:
            pages.append(api.search(correlation_pb2.SearchRequest(**_fields(request, pages[-1].next_page_token))))
    assert len(pages) > 2
    for page in pages[:-1]:
        with reading_as(SCOPES["all roles"]):
            found = api.search(correlation_pb2.SearchRequest(**_fields(request, page.next_page_token)))
        assert "bravo" not in str(found)


def _fields(request: correlation_pb2.SearchRequest, token: str) -> dict[str, Any]:
    return {"query": request.query, "page_size": request.page_size, "page_token": token, **RANGE}


def test_records_within_limits_are_verified_and_none_is_called_missing(
    backend: tuple[Backend, Callable[[], None]],
) -> None:
    api, _ = backend
    with reading_as(SCOPES["one service"]):
        found = api.search(correlation_pb2.SearchRequest(**RANGE))
        records = [entry.audit_event if entry.HasField("audit_event") else entry.log for entry in found.entries]
        assert {record.evidence.state for record in records} == {evidence_pb2.VERIFIED}
        log = LOGS["alpha"][Stream.OPERATIONAL].log_id
        request = correlation_pb2.NeighboursRequest(log=log, leaf_index=3, by="leaf", before=5, after=5)
        assert not api.neighbours(request).missing_leaves
    assert {record.service_name for record in records} == {"alpha"}


def test_a_tenant_verifies_its_logs_alone(backend: tuple[Backend, Callable[[], None]]) -> None:
    api, add = backend
    add()
    with reading_as(SCOPES["verification"]):
        steps = list(api.verify(evidence_pb2.VerifyRequest()))
    assert [step.finding.message for step in steps if step.HasField("finding")] == []
    assert steps[-1].summary.logs == len(LOGS["alpha"])


@pytest.mark.parametrize("scope", ["all roles", "one service"])
async def test_a_tail_has_the_records_that_its_caller_may_read_and_none_is_missed(
    backend: tuple[Backend, Callable[[], None]], scope: str
) -> None:
    api, add = backend
    add()
    begun = make_cursor({log.log_id: 0 for logs in LOGS.values() for log in logs.values()})
    with unlimited():
        async with contextlib.aclosing(api.tails.follow(correlation_pb2.TailRequest())) as answers:
            assert len(parse_cursor((await anext(answers)).cursor)) == len(NAMES) // 2 - 1
    with reading_as(SCOPES[scope]):
        request = correlation_pb2.TailRequest(cursor=begun)
        async with contextlib.aclosing(api.tails.follow(request)) as answers:
            seen = [await anext(answers)]
            while seen[-1].behind:
                seen.append(await anext(answers))
    assert sum(len(answer.entries) for answer in seen) == (12 if scope == "all roles" else 8)
    assert "bravo" not in str(seen)
    assert [answer.missed_records for answer in seen] == [0] * len(seen)
    positions = parse_cursor(seen[-1].cursor)
    assert {positions[log.log_id] for log in LOGS["bravo"].values()} == {0}  # as the caller gave them


def test_a_record_is_proved_by_neighbours_that_its_reader_may_not_see(
    backend: tuple[Backend, Callable[[], None]], engine: Engine
) -> None:
    api, _ = backend
    engine.execute(
        "ALTER TABLE log_tiles UPDATE Hashes = repeat('x', length(Hashes)) WHERE 1 SETTINGS mutations_sync = 2"
    )
    within = dict(SCOPES["all roles"].conditions or ()) | {"otel_logs": "Body LIKE 'alpha%'"}  # half of each batch
    with reading_as(ReadScope.of(within, ALPHA)):
        found = api.search(correlation_pb2.SearchRequest(streams=["operational"], **RANGE))
    assert {entry.log.body for entry in found.entries} == {"alpha said shared words"}
    assert {entry.log.evidence.state for entry in found.entries} == {evidence_pb2.VERIFIED}
