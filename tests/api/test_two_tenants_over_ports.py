"""Two tenants over the gRPC and the HTTP port: each has the answers that it would have if the other did not exist.

Random calls of all methods, with page tokens, cursors, logs, records and traces of the other tenant too, are
made for a tenant that is alone on a storage, and again after the other has come: the bytes of all answers are the same.
What is another's takes as many statements to storage as what does not exist, on which the time of an answer depends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from lognotary.v1 import (
    administration_pb2,
    correlation_pb2,
    counts_pb2,
    disclosures_pb2,
    evidence_pb2,
    export_pb2,
    receipts_pb2,
    status_pb2,
    tokens_pb2,
)
from server.access.call_rules import http_rules
from server.access.callers import Grant, Role
from server.api.guarded_http import guarded_http
from server.api.tail_cursors import make_cursor, parse_cursor
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http
from storage.engine import Engine
from storage.rowbinary import read_rows, text
from tests.api.guarded import Guarded
from tests.api.routes import METHOD_OF_PATH, http_request
from tests.api.store import Writer
from tests.api.tenants import LOGS, NAMES, RANGE, SHARED, TENANTS, UNKNOWN, WORDS, tenant
from tests.counting_engine import CountingEngine
from tests.effort import effort

METHODS = {
    method.name: method
    for module in (correlation_pb2, evidence_pb2, status_pb2, administration_pb2, disclosures_pb2, tokens_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
ROUTES = {method: route for route, method in METHOD_OF_PATH.items()}
OPERATIONS = max(len(METHODS) + 1, effort(100))
TENANT_GRANTS = {
    name: tuple(Grant(role, frozenset({name})) for role in (Role.VIEWER, Role.AUDITOR, Role.OPERATOR))
    for name in ("alpha", "bravo")
}
GRANTS = {**TENANT_GRANTS, "everything": (Grant(Role.ADMIN),)}
BEGUN = make_cursor({log.log_id: 0 for logs in LOGS.values() for log in logs.values()})


@dataclass(frozen=True)
class Operation:
    """A call over one of the ports, or a static file."""

    name: str
    request: Message | None = None
    over_http: bool = False
    path: str = ""


class Tokens:
    """Page tokens and cursors by method, as somebody got them who may read everything, and each tenant."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}

    def any(self, chance: random.Random, method: str) -> str:
        known = self.of.get(method, [])
        return chance.choice([*known, ""]) if known and chance.random() < 0.4 else ""


def operations(chance: random.Random, tokens: Tokens, number: int) -> list[Operation]:
    names = [*METHODS, "tile"]
    return [operation(chance, tokens, names[turn % len(names)]) for turn in range(number)]


def operation(chance: random.Random, tokens: Tokens, name: str) -> Operation:
    """Return a random call of a method, or now and then of a static file or of a timeline of another kind."""
    if name == "tile":
        log = chance.choice([*(log.log_id for logs in LOGS.values() for log in logs.values()), "0" * 16])
        file = chance.choice(
            ["checkpoint", f"tile/0/000.p/{chance.randrange(1, 7)}", f"tile/entries/000.p/{chance.randrange(1, 7)}"]
        )
        return Operation("tile", over_http=True, path=f"/tlog/{log}/{file}")
    return Operation(name, request_of(chance, tokens, name), over_http=chance.random() < 0.5)


def request_of(chance: random.Random, tokens: Tokens, name: str) -> Message:
    word, trace = chance.choice(WORDS), chance.choice([*TENANTS.values(), SHARED, UNKNOWN])
    log, leaf, size = chance.choice(NAMES), chance.randrange(8), chance.randrange(9)
    query = chance.choice(["", word, f"trace:{trace}", f"service:{word}", f"marker={word}", f"actor:{word}"])
    streams = chance.choice([[], ["audit"], ["operational"], ["spans"], ["audit", "operational", "spans"]])
    asked: dict[str, Any] = {"query": query, "streams": streams, **RANGE}
    pages: dict[str, Any] = {"page_size": chance.randrange(1, 6), "page_token": tokens.any(chance, name)}
    proofs: dict[str, Any] = {"include_proofs": leaf % 2 == 0}
    c = correlation_pb2
    match name:
        case "Search":
            return c.SearchRequest(**asked, **pages, **proofs, count_up_to=100)
        case "Histogram":
            return counts_pb2.HistogramRequest(**asked, group_by=chance.choice(["", "service", "marker"]))
        case "Facets":
            return counts_pb2.FacetsRequest(**asked, fields=["service", "marker"])
        case "FieldNames":
            return counts_pb2.FieldNamesRequest(**asked, prefix=chance.choice(["", "m", "audit"]))
        case "FindTraces":
            return c.FindTracesRequest(**asked, **pages)
        case "Neighbours":
            return c.NeighboursRequest(
                log=log, leaf_index=leaf, by=chance.choice(["leaf", "trace", "service"]), before=3, after=3, **proofs
            )
        case "ActorTimeline":
            return c.ActorTimelineRequest(actor_id=word, **RANGE, **pages, **proofs)
        case "TargetHistory":
            return c.TargetHistoryRequest(target_id=f"{word}-target", **RANGE, **pages, **proofs)
        case "GetTrace":
            return c.GetTraceRequest(
                trace_id=trace, limit=chance.choice([0, 2]), page_token=tokens.any(chance, name), **proofs
            )
        case "SearchAuditEvents":
            return c.SearchAuditEventsRequest(
                actor_id=word, **RANGE, **pages, **proofs, include_access=chance.random() < 0.5
            )
        case "Export":
            return export_pb2.ExportRequest(**asked, format=chance.choice(["", "csv", "ocsf"]))
        case "CompleteSearch":
            return c.CompleteSearchRequest(**asked)
        case "Tail":
            return c.TailRequest(
                query=query, streams=streams, cursor=chance.choice([BEGUN, tokens.any(chance, name) or BEGUN]), **proofs
            )
        case "ListLogs":
            return evidence_pb2.ListLogsRequest()
        case "GetCheckpoint":
            return evidence_pb2.GetCheckpointRequest(log=log, tree_size=chance.choice([0, size]))
        case "GetInclusionProof":
            return evidence_pb2.GetInclusionProofRequest(
                log=log, leaf_index=leaf, include_record=chance.random() < 0.5, tree_size=chance.choice([0, size])
            )
        case "GetBundle":
            return evidence_pb2.GetBundleRequest(log=log, leaf_index=leaf, format=chance.choice(["", "zip"]))
        case "GetConsistencyProof":
            return evidence_pb2.GetConsistencyProofRequest(log=log, first=min(leaf, 2), second=chance.choice([0, 6]))
        case "ListStatements":
            kinds = [[], ["retention", "keys"]][leaf % 2]
            return evidence_pb2.ListStatementsRequest(log=log, kinds=kinds, page_size=1 + size % 2)
        case "ListGaps":
            return evidence_pb2.ListGapsRequest(min_seconds=leaf % 2, until=RANGE["until"] if leaf % 3 else None)
        case "GetReceipt":
            return receipts_pb2.GetReceiptRequest(record_id=f"00000000-0000-0000-0000-{leaf:012}")
        case "Disclose":
            return disclosures_pb2.DiscloseRequest(commitments=[chance.choice([UNKNOWN, SHARED]) * 2])
        case "Verify":
            return evidence_pb2.VerifyRequest(logs=chance.choice([[], [log]]), lookups=0)  # which lookups is random
        case "ListTenants":
            return status_pb2.ListTenantsRequest(**chance.choice([{}, RANGE]), **pages)
        case "GetStatus":
            return status_pb2.GetStatusRequest()
        case "GetSettings":
            return status_pb2.GetSettingsRequest()
        case "GetRetention":
            return administration_pb2.GetRetentionRequest()
        case "ListHolds":
            return administration_pb2.ListHoldsRequest(released=chance.random() < 0.5)
        case "AddHold":
            scope = administration_pb2.HoldScope(service=word)
            return administration_pb2.AddHoldRequest(name=f"hold-{word}", scope=scope, reason="to test")
        case "ReleaseHold":
            return administration_pb2.ReleaseHoldRequest(name=f"hold-{word}", reason="to test")
        case "DropTenant":
            return administration_pb2.DropTenantRequest(tenant=word, reason="to test")
        case "Erase":
            return disclosures_pb2.EraseRequest(actor=word, reason="to test")
        case "ListTokens":
            return tokens_pb2.ListTokensRequest(ended=chance.random() < 0.5)
        case "CreateToken":
            return tokens_pb2.CreateTokenRequest(name=word, tenant=word)
        case "RotateToken":
            return tokens_pb2.RotateTokenRequest(name=word)
        case "RevokeToken":
            return tokens_pb2.RevokeTokenRequest(name_or_id=word)
    raise NotImplementedError(f"{name} is new: say what is asked of it")


class Ports:
    """Both ports of the API on a storage, and the statements that it got."""

    def __init__(self, engine: CountingEngine, grpc_channel: grpc.aio.Channel, client: httpx.AsyncClient) -> None:
        self.engine = engine
        self._channel = grpc_channel
        self._client = client

    async def ask(self, operation: Operation, token: str) -> tuple[Any, int]:
        """Return all of an answer, or the error, and how many statements it took; 0 for a tail, which goes on."""
        self.engine.queries.clear()
        answer = await (self._http if operation.over_http else self._grpc)(operation, token)
        return answer, 0 if operation.name == "Tail" else len(self.engine.queries)

    async def _grpc(self, operation: Operation, token: str) -> Any:
        method, request = METHODS[operation.name], operation.request
        assert request is not None
        path = f"/{method.containing_service.full_name}/{method.name}"
        metadata = (("authorization", f"Bearer {token}"),)
        make: Any = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        call = make(path, request_serializer=lambda sent: sent.SerializeToString(), response_deserializer=bytes)(
            request, metadata=metadata, timeout=5 if operation.name == "Tail" else 120
        )
        found: list[bytes] = []
        try:
            if not method.server_streaming:
                return await call
            async for step in call:
                found.append(_without_manifest(step) if operation.name == "Export" else step)
                if operation.name == "Tail" and not correlation_pb2.TailResponse.FromString(step).behind:
                    break
        except grpc.aio.AioRpcError as error:
            return found, error.code(), error.details(), error.trailing_metadata()
        finally:
            call.cancel()
        return found

    async def _http(self, operation: Operation, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        verb, path, query, body = "GET", operation.path, dict[str, str](), None
        if operation.request is not None:
            verb, path, query, body = http_request(ROUTES[operation.name], operation.request)
        async with self._client.stream(verb, path, params=query, json=body, headers=headers) as answer:
            if operation.name == "Tail" and answer.status_code == 200:
                lines = []
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        async for line in answer.aiter_lines():
                            lines.append(line)
                            if '"behind": "' not in line and '"behind":"' not in line:
                                break
                return answer.status_code, lines
            content = await answer.aread()
        manifest = answer.headers.get("lognotary-manifest", "")
        if manifest and answer.status_code == 200:
            kept = (await self._client.get(manifest, headers=headers)).content
            assert token not in TENANT_GRANTS or not any(
                name.encode() in kept
                for name in TENANT_GRANTS
                if name not in (token, operation.name) and name not in str(query)
            )
        # Of the headers, "date" is the time of the answer, and the path of a manifest is random.
        told = sorted(pair for pair in answer.headers.items() if pair[0] not in ("date", "lognotary-manifest"))
        return answer.status_code, told, content, bool(manifest)


def _without_manifest(step: bytes) -> bytes:
    """Return a step of an export without its manifest, which has the time of the export, and a signature of this."""
    read = export_pb2.ExportResponse.FromString(step)
    if read.HasField("summary"):
        read.summary.manifest = ""
    return read.SerializeToString()


def _halfway(cursor: str) -> str:
    """Return an earlier cursor: from the last one, a tail has nothing to say."""
    return make_cursor({log: position // 2 for log, position in parse_cursor(cursor).items()})


@contextlib.asynccontextmanager
async def ports(engine: Engine, keys: TrustedKeys, writer: Writer) -> AsyncIterator[Ports]:
    """Serve the API, with nothing in its memory, on new ports."""
    counting = CountingEngine(engine)
    guarded = Guarded(counting, GRANTS, keys, signing_key=lambda: writer.signer.ed25519)
    app = guarded_http(guarded.app, guarded.chain, http_rules(public_tiles=False))
    limits = ConnectionLimits(100)
    async with (
        guarded.grpc() as channel,
        serve_http(app, Address("127.0.0.1", 0), limits, asyncio.Event()) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=120) as client,
    ):
        yield Ports(counting, channel, client)


def truncate(engine: Engine) -> None:
    """Delete all rows of all tables."""
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    for (name,) in read_rows(engine.query(tables), (text,)):
        if name != "lognotary_migrations":
            engine.execute(f"TRUNCATE TABLE `{name}` SYNC")


async def known_tokens(api: Ports) -> Tokens:
    """Return page tokens and cursors that each tenant gets, and somebody who may read everything."""
    tokens = Tokens()
    chance = random.Random(4)
    for who in GRANTS:
        for name in ("Search", "SearchAuditEvents", "FindTraces", "ActorTimeline", "TargetHistory", "GetTrace", "Tail"):
            for _ in range(2):
                request = request_of(chance, Tokens(), name)
                answer, _ = await api.ask(Operation(name, request), who)
                given = answer[-1:] if isinstance(answer, list) else [answer]
                for each in given:
                    if isinstance(each, bytes):
                        read: Any = GetMessageClass(METHODS[name].output_type).FromString(each)
                        token = _halfway(read.cursor) if name == "Tail" else read.next_page_token
                        tokens.of.setdefault(name, []).append(token)
    tokens.of = {name: sorted({each for each in found if each}) for name, found in tokens.of.items()}
    return tokens


@pytest.mark.parametrize(("mine", "other"), [("alpha", "bravo"), ("bravo", "alpha")])
async def test_a_tenant_has_the_answers_that_it_would_have_without_the_other(
    mine: str, other: str, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    writers = {name: tenant(engine, tmp_path / "first", name) for name in (mine, other)}
    async with ports(engine, writers[mine].keys + writers[other].keys, writers[mine]) as api:
        tokens = await known_tokens(api)
    assert tokens.of.keys() >= {"Search", "FindTraces", "ActorTimeline", "Tail"}
    # Tails come last: they may still read for a moment after they have been left.
    asked = sorted(operations(random.Random(18), tokens, OPERATIONS), key=lambda each: each.name == "Tail")
    truncate(engine)

    own = tenant(engine, tmp_path, mine)
    async with ports(engine, own.keys, own) as api:
        alone = [(await api.ask(each, mine))[0] for each in asked]
    theirs = tenant(engine, tmp_path, other)
    async with ports(engine, own.keys + theirs.keys, own) as api:
        beside = [(await api.ask(each, mine))[0] for each in asked]
    for each, before, after in zip(asked, alone, beside, strict=True):
        assert before == after, each
    # Again from a memory of what others were told.
    some = list(zip(asked, alone, strict=True))[:: 1 + OPERATIONS // 10]
    async with ports(engine, own.keys + theirs.keys, own) as api:
        others = [(await api.ask(each, token))[0] for each, _ in some for token in ("everything", other)]
        again = [(await api.ask(each, mine))[0] for each, _ in some]
    for (each, before), answer in zip(some, again, strict=True):
        assert before == answer, each
    # The calls find something, and what they find is not the same for everybody.
    assert sum(other in str(answer) for answer in others) > len(some) // 4
    assert sum(mine in str(answer) for answer in alone) > OPERATIONS // 8
    assert {each.name for each in asked} == METHODS.keys() | {"tile"}


async def test_what_is_another_s_costs_as_many_statements_as_what_does_not_exist(
    engine: Engine, tmp_path: Path
) -> None:
    writers = {name: tenant(engine, tmp_path, name) for name in TENANTS}
    absent = LogName("shop/delta", Stream.AUDIT, "node-1")
    pairs: list[tuple[tuple[str, Message], tuple[str, Message]]] = [
        (theirs, missing)
        for make in (
            lambda log: ("GetCheckpoint", evidence_pb2.GetCheckpointRequest(log=log)),
            lambda log: ("GetInclusionProof", evidence_pb2.GetInclusionProofRequest(log=log, leaf_index=1)),
            lambda log: ("GetBundle", evidence_pb2.GetBundleRequest(log=log, leaf_index=1)),
            lambda log: ("GetConsistencyProof", evidence_pb2.GetConsistencyProofRequest(log=log, first=1, second=2)),
            lambda log: ("ListStatements", evidence_pb2.ListStatementsRequest(log=log)),
            lambda log: ("Neighbours", correlation_pb2.NeighboursRequest(log=log, leaf_index=1, before=1, after=1)),
            lambda log: ("Verify", evidence_pb2.VerifyRequest(logs=[log], lookups=0)),
        )
        for theirs, missing in (
            (make(LOGS["bravo"][Stream.AUDIT].origin), make(absent.origin)),
            (make(LOGS["bravo"][Stream.AUDIT].log_id), make(absent.log_id)),
        )
    ]
    traces: list[Callable[[str], tuple[str, Message]]] = [
        lambda trace: ("GetTrace", correlation_pb2.GetTraceRequest(trace_id=trace)),
        lambda trace: ("Search", correlation_pb2.SearchRequest(query=f"trace:{trace}", **RANGE)),
        lambda trace: ("Histogram", counts_pb2.HistogramRequest(query=f"trace:{trace}", **RANGE)),
    ]
    pairs += [(make(TENANTS["bravo"]), make(UNKNOWN)) for make in traces]
    actors: list[Callable[[str], tuple[str, Message]]] = [
        lambda who: ("ActorTimeline", correlation_pb2.ActorTimelineRequest(actor_id=who, **RANGE)),
        lambda who: ("TargetHistory", correlation_pb2.TargetHistoryRequest(target_id=f"{who}-target", **RANGE)),
        lambda who: ("SearchAuditEvents", correlation_pb2.SearchAuditEventsRequest(actor_id=who, **RANGE)),
        lambda who: ("FindTraces", correlation_pb2.FindTracesRequest(query=f"actor:{who}", **RANGE)),
        lambda who: ("Facets", counts_pb2.FacetsRequest(query=f"actor:{who}", fields=["service"], **RANGE)),
        lambda who: ("FieldNames", counts_pb2.FieldNamesRequest(query=f"actor:{who}", **RANGE)),
        lambda who: ("Export", export_pb2.ExportRequest(query=f"actor:{who}", **RANGE)),
        lambda who: ("CompleteSearch", correlation_pb2.CompleteSearchRequest(query=f"actor:{who}", **RANGE)),
    ]
    pairs += [(make("bravo"), make("delta")) for make in actors]

    async def costs(name: str, request: Message) -> tuple[str, int]:
        async with ports(engine, writers["alpha"].keys, writers["alpha"]) as api:  # with nothing in its memory
            answer, statements = await api.ask(Operation(name, request), "alpha")
        plain = str(answer)
        for word in (LOGS["bravo"][Stream.AUDIT].log_id, absent.log_id, TENANTS["bravo"], UNKNOWN, "bravo", "delta"):
            plain = plain.replace(word, "…")
        return re.sub("[0-9a-f]{64}", "…", plain), statements  # IDs of findings are digests of what was asked for

    for theirs, missing in pairs:
        assert await costs(*theirs) == await costs(*missing), theirs[0]
