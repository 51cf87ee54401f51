"""Gaps between the statements of logs, with both engines: what is signed around them, and who may see them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1 import evidence_pb2_grpc
from server.access.callers import Grant, Role
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError
from server.api.messages import from_nanos
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, StatementRow, sign_statement
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.statements import insert_statements
from tests.api.growing import delete, update
from tests.api.guarded import Guarded
from tests.api.store import LOGS, serving

SIGNER = Signer.generate()
AUDIT, LOGGED = LOGS[Stream.AUDIT], LOGS[Stream.OPERATIONAL]
KEYS = TrustedKeys(named=tuple(SIGNER.verifier_key(name.origin) for name in LOGS.values()))
NOW = time.time_ns() // 10**9
T0 = NOW - 100_000
TIMES = [*range(0, 6001, 600), *range(20_000, 100_000, 600)]  # nobody signed between 6000 and 20,000


def heartbeats(name: LogName, times: Sequence[int], *, signer: Signer = SIGNER, first: int = 1) -> list[StatementRow]:
    """Return heartbeats of a log, signed so many seconds after T0; it grows by ten entries from each to the next."""
    return [
        sign_statement(
            Statement(Checkpoint(name.origin, 10 * number, bytes(32)), number, T0 + at, StatementKind.HEARTBEAT),
            [signer],
        )
        for number, at in enumerate(times, first)
    ]


def gaps(engine: Engine, **request: Any) -> pb.ListGapsResponse:
    return Backend(engine, KEYS).list_gaps(pb.ListGapsRequest(**request))


def ends(response: pb.ListGapsResponse) -> list[tuple[str, int, int | None]]:
    return [
        (gap.origin, gap.since.seconds - T0, gap.until.seconds - T0 if gap.HasField("until") else None)
        for gap in response.gaps
    ]


def test_an_outage_is_a_gap_in_each_log_between_two_signed_statements(engine: Engine) -> None:
    insert_statements(engine, [*heartbeats(AUDIT, TIMES), *heartbeats(LOGGED, TIMES)])
    found = gaps(engine)
    assert set(ends(found)) == {(name.origin, 6000, 20_000) for name in (AUDIT, LOGGED)}
    assert not found.truncated
    for gap in found.gaps:
        assert (gap.last_statement, gap.last_tree_size) == (11, 110)
        assert (gap.next_statement, gap.next_tree_size) == (12, 120)
        assert (gap.usual_seconds, gap.missing_statements, gap.problem) == (600, 0, "")


def test_a_log_that_nobody_signs_any_more_has_a_gap_that_lasts(engine: Engine) -> None:
    insert_statements(engine, [*heartbeats(AUDIT, range(0, 90_000, 600)), *heartbeats(LOGGED, range(0, 100_000, 600))])
    found = gaps(engine)
    assert ends(found) == [(AUDIT.origin, 89_400, None)]
    (gap,) = found.gaps
    assert not gap.HasField("next_statement")
    assert not gap.HasField("next_tree_size")


@pytest.mark.parametrize("log", [AUDIT.origin, AUDIT.log_id])
def test_gaps_of_one_log_are_listed_by_its_origin_or_its_id(engine: Engine, log: str) -> None:
    insert_statements(engine, [*heartbeats(AUDIT, TIMES), *heartbeats(LOGGED, TIMES)])
    assert ends(gaps(engine, log=log, limit=1)) == [(AUDIT.origin, 6000, 20_000)]
    assert not gaps(engine, log=log, limit=1).truncated
    assert ends(gaps(engine, log="0" * 16)) == []


def test_a_name_that_no_log_can_have_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidArgumentError, match="log"):
        gaps(engine, log="not a log")


def test_a_server_that_has_just_begun_has_no_gap(engine: Engine) -> None:
    insert_statements(engine, heartbeats(LOGGED, [NOW - T0 - 100, NOW - T0 - 99]))
    assert ends(gaps(engine)) == []
    assert ends(gaps(engine, min_seconds=1)) == [(LOGGED.origin, NOW - T0 - 99, None)]


def test_the_range_and_the_shortest_length_are_the_callers_choice(engine: Engine) -> None:
    insert_statements(engine, heartbeats(AUDIT, TIMES))
    before, within = from_nanos((T0 + 6000) * 10**9), from_nanos((T0 + 7000) * 10**9 + 1)
    assert ends(gaps(engine, until=before)) == []
    assert ends(gaps(engine, since=within)) == [(AUDIT.origin, 6000, 20_000)]
    assert ends(gaps(engine, min_seconds=14_000)) == []
    assert len(gaps(engine, min_seconds=599, limit=1000).gaps) > 100
    assert ends(gaps(engine, min_seconds=2**64 - 1)) == []


def test_only_the_latest_gaps_are_given_and_it_is_said_that_there_are_more(engine: Engine) -> None:
    insert_statements(engine, heartbeats(AUDIT, TIMES))
    found = gaps(engine, min_seconds=1, limit=2)
    assert found.truncated
    assert ends(found) == [(AUDIT.origin, 99_800, None), (AUDIT.origin, 99_200, 99_800)]
    last = found.gaps[-1].since.seconds
    more = gaps(engine, min_seconds=1, limit=2, until=from_nanos((last + 1) * 10**9))
    assert ends(more) == [(AUDIT.origin, 99_200, 99_800), (AUDIT.origin, 98_600, 99_200)]
    assert len(gaps(engine, min_seconds=1).gaps) == 100


def test_removed_statements_are_told_from_statements_that_nobody_signed(engine: Engine) -> None:
    insert_statements(engine, heartbeats(AUDIT, range(0, 100_000, 600)))
    delete(engine, "log_statements", "Number BETWEEN 20 AND 29")
    (gap,) = gaps(engine).gaps
    assert (gap.last_statement, gap.next_statement, gap.missing_statements) == (19, 30, 10)


@pytest.mark.parametrize(
    ("number", "change"), [(11, "Note = 'x'"), (12, "Note = concat(Note, ' ')"), (12, "SignedAt = SignedAt - 1")]
)
def test_a_gap_beside_a_statement_that_is_not_valid_says_so(engine: Engine, number: int, change: str) -> None:
    insert_statements(engine, heartbeats(AUDIT, TIMES))
    update(engine, "log_statements", change, f"Number = {number}")
    (gap,) = gaps(engine).gaps
    assert gap.problem.startswith(f"statement {number} of ")
    assert gap.origin == AUDIT.origin


def test_a_forged_statement_within_a_gap_vouches_for_nothing(engine: Engine) -> None:
    insert_statements(engine, heartbeats(AUDIT, TIMES))
    insert_statements(engine, heartbeats(AUDIT, [13_000], signer=Signer.generate(), first=11))
    found = gaps(engine)
    assert set(ends(found)) == {(AUDIT.origin, 6000, 13_000), (AUDIT.origin, 13_000, 20_000)}
    assert all("statement 11 of " in gap.problem for gap in found.gaps)


def test_a_row_that_names_no_log_has_no_origin(engine: Engine) -> None:
    engine.execute(
        f"INSERT INTO log_statements (LogId, Number, Kind, SignedAt, Note) VALUES ('x', 1, 'heartbeat', {T0}, 'n')"
    )
    (gap,) = gaps(engine).gaps
    assert (gap.origin, gap.log_id, bool(gap.problem)) == ("", "x", True)


def test_an_empty_range_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidArgumentError, match=r"since .* is not before until"):
        gaps(engine, since=from_nanos(2), until=from_nanos(1))


async def test_whoever_may_read_a_tenants_logs_sees_their_gaps_and_no_others(engine: Engine) -> None:
    insert_statements(engine, heartbeats(AUDIT, TIMES), tenant_of=lambda _: "alpha")
    insert_statements(engine, heartbeats(LOGGED, TIMES), tenant_of=lambda _: "bravo")
    grants = {name: (Grant(Role.AUDITOR, frozenset({name})),) for name in ("alpha", "bravo")}
    grants["all"] = (Grant(Role.AUDITOR),)
    async with Guarded(engine, grants, KEYS).http() as client:
        seen = {}
        for who in grants:
            answer = await client.get("/api/v1/gaps?limit=5", headers={"authorization": f"Bearer {who}"})
            seen[who] = {gap["origin"] for gap in answer.json()["gaps"]}
    assert seen == {"alpha": {AUDIT.origin}, "bravo": {LOGGED.origin}, "all": {AUDIT.origin, LOGGED.origin}}
    async with serving(engine, KEYS) as channel:
        found = await evidence_pb2_grpc.EvidenceServiceStub(channel).ListGaps(pb.ListGapsRequest())
    assert {gap.origin for gap in found.gaps} == seen["all"]
