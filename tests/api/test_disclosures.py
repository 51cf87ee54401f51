"""Erasure of disclosed values, and the legal holds that win over it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from lognotary.v1 import administration_pb2 as messages_of_holds
from lognotary.v1 import disclosures_pb2 as messages
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.current import calling
from server.api.administration import Administration
from server.api.backend import Backend
from server.api.disclosures import Disclosures
from server.api.errors import ConflictError, InvalidArgumentError, NotPermittedError, UnrecordedError
from server.api.http_api import build_http_api
from server.codec.audit.built_in import built_in_rules
from server.codec.redaction_rules import Mode, Redaction
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.own_records.erasures import Erasure
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from storage.disclosures import DisclosedValue, insert_disclosures, matching_commitments
from storage.engine import Engine
from storage.hold_scope import HoldScope
from storage.holds import add_hold, release_hold
from storage.retention_policy import Policy
from tests.api.store import START, Writer, audit_event, log_record

HERE = "127.0.0.1"
AUDIT = Stream.AUDIT
DAY = 86_400 * 10**9
Said = list[Erasure]


def write(writer: Writer, records: Sequence[LogRecord], *, received: int = START, keys: tuple[str, ...] = ()) -> None:
    """Commit a request of the service shop, and the values of its commitments."""
    shop = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="shop"))])
    logs = ResourceLogs(resource=shop, scope_logs=[ScopeLogs(log_records=records)])
    codec = ReferenceCodec(built_in_rules(), redaction=Redaction(Mode.DISCLOSE, keys=keys))
    rows = codec.encode(ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString(), received)
    insert_disclosures(
        writer.engine,
        [DisclosedValue(received, d.salt, d.value, d.rule, d.actors) for each in rows for d in each.disclosures],
    )
    writer.commit(rows)


def login(secret: str, *, at: int = 0) -> LogRecord:
    """Return an audit record of alice's with a value that is redacted."""
    record = audit_event("login", at=at)
    record.attributes.add(key="password").value.string_value = secret
    return record


def erasing(engine: Engine, said: Said) -> Disclosures:
    return Disclosures(engine, said.append, "local")


def values(engine: Engine, *wanted: str) -> list[str]:
    """Return those of some values that are still disclosed."""
    return [value for value in wanted if matching_commitments(engine, value=value)]


def erase(engine: Engine, said: Said | None = None, **what: str) -> int:
    request = messages.EraseRequest(**what, reason="request 4711", requested_by="eve")
    return erasing(engine, [] if said is None else said).erase(request, HERE).erased


def held(engine: Engine, scope: HoldScope, **what: str) -> bool:
    """Return whether a hold keeps values from erasure; nothing is erased then, and nothing is recorded."""
    said: Said = []
    add_hold(engine, "case-1", scope, "a lawsuit", "eve", HERE)
    try:
        erase(engine, said, **what)
    except ConflictError as error:
        return "case-1" in str(error) and said == []
    return False


def test_values_are_erased_by_actor_and_by_value(writer: Writer) -> None:
    write(writer, [log_record("password=a1"), login("b1"), audit_event("login", actor="bob")])
    said: Said = []
    assert erase(writer.engine, said, actor="alice") == 1
    assert values(writer.engine, "a1", "b1") == ["a1"]
    assert erase(writer.engine, said, value="a1") == 1
    assert erase(writer.engine, said, value="a1") == 0
    assert values(writer.engine, "a1", "b1") == []
    assert said == [
        Erasure(1, kind, "request 4711", "eve", HERE, is_done)
        for kind in ("actor", "value")
        for is_done in (False, True)
    ]


@pytest.mark.parametrize(
    ("scope", "keeps"),
    [
        (HoldScope(), True),
        (HoldScope(service="shop"), True),
        (HoldScope(service="crm"), False),
        (HoldScope(actor="alice"), True),
        (HoldScope(actor="bob"), False),
        (HoldScope(stream="operational"), False),
        (HoldScope(since=START - 5 * DAY, until=START - 4 * DAY), True),  # happened in it
        (HoldScope(since=START, until=START + DAY), True),  # received in it
        (HoldScope(since=START + DAY), False),
    ],
    ids=lambda each: each.text() if isinstance(each, HoldScope) else "",
)
def test_a_hold_keeps_the_values_of_its_records(writer: Writer, scope: HoldScope, keeps: bool) -> None:
    # Bob's record is received at the same time, but has none of the values.
    records = [login("a1", at=-5 * DAY + 1), audit_event("login", actor="bob")]
    write(writer, [*records, log_record("nothing")])
    assert held(writer.engine, scope, actor="alice") == keeps
    assert values(writer.engine, "a1") == ["a1"] * keeps


def test_a_hold_of_an_actor_keeps_records_that_have_a_commitment_to_the_actor(writer: Writer) -> None:
    write(writer, [login("a1")], keys=("actor id",))
    assert held(writer.engine, HoldScope(actor="alice"), value="a1")
    assert values(writer.engine, "a1", "alice") == ["a1", "alice"]


def test_the_answer_to_a_hold_of_an_actor_tells_how_many_records_hide_their_actor(writer: Writer) -> None:
    write(writer, [login("a1")])
    write(writer, [login("a2"), audit_event("login", actor="bob"), log_record("nothing")], keys=("actor id",))
    made = Administration(writer.engine, {AUDIT: Policy(400)}, lambda _: None, "local")
    made.begin()
    for name, scope, said in (
        ("case-1", messages_of_holds.HoldScope(actor="alice"), (1, 3, 2)),  # a1, a2 and alice
        ("case-2", messages_of_holds.HoldScope(actor="alice", service="crm"), (0, 3, 0)),
        ("case-3", messages_of_holds.HoldScope(service="shop"), (4, 0, 0)),
    ):
        answer = made.add_hold(messages_of_holds.AddHoldRequest(name=name, scope=scope, reason="a lawsuit"), HERE)
        assert (answer.records, answer.disclosed_values, answer.hidden_actors) == said


def test_a_hold_of_an_actor_whose_name_is_hidden_needs_the_id(writer: Writer) -> None:
    write(writer, [audit_event("login", actor="u-1", actor_name="alice")], keys=("actor name",))
    made = Administration(writer.engine, {AUDIT: Policy(400)}, lambda _: None, "local", hides_names=True)
    made.begin()

    def add(actor: str) -> messages_of_holds.AddHoldResponse:
        scope = messages_of_holds.HoldScope(actor=actor)
        return made.add_hold(messages_of_holds.AddHoldRequest(scope=scope, reason="a lawsuit"), HERE)

    with pytest.raises(ConflictError, match=r"no stored record has an actor with the ID 'alice'.*: give the ID"):
        add("alice")
    answer = add("u-1")
    assert (answer.records, answer.hidden_actors) == (1, 0)


@pytest.mark.parametrize(
    ("roles", "of_actor", "of_all"),
    [
        ((Role.OPERATOR,), False, False),
        ((Role.OPERATOR, Role.VIEWER), False, False),
        ((Role.OPERATOR, Role.AUDITOR), True, False),
        ((Role.OPERATOR, Role.AUDITOR, Role.VIEWER), True, True),
        ((Role.ADMIN,), True, True),
    ],
)
def test_a_hold_tells_numbers_of_records_only_to_who_may_read_them(
    writer: Writer, roles: Sequence[Role], *, of_actor: bool, of_all: bool
) -> None:
    write(writer, [login("a1")])
    made = Administration(writer.engine, {AUDIT: Policy(400)}, lambda _: None, "local")
    made.begin()
    with calling(Caller("who", CallerKind.TOKEN, tuple(map(Grant, roles)))):
        for scope, tells in (
            (messages_of_holds.HoldScope(actor="alice"), of_actor),
            (messages_of_holds.HoldScope(service="shop"), of_all),
        ):
            answer = made.add_hold(messages_of_holds.AddHoldRequest(scope=scope, reason="a lawsuit"), HERE)
            assert answer.hold.name
            for name in ("records", "disclosed_values", "hidden_actors"):
                assert (name, answer.HasField(name)) == (name, tells)


def test_a_hold_does_not_tell_an_operator_whether_there_are_records_of_an_actor(writer: Writer) -> None:
    write(writer, [audit_event("login", actor="u-1", actor_name="alice")], keys=("actor name",))
    made = Administration(writer.engine, {AUDIT: Policy(400)}, lambda _: None, "local", hides_names=True)
    made.begin()
    with calling(Caller("who", CallerKind.TOKEN, (Grant(Role.OPERATOR), Grant(Role.AUDITOR, frozenset({"acme"}))))):
        for actor in ("u-1", "u-2"):
            scope = messages_of_holds.HoldScope(actor=actor)
            with pytest.raises(ConflictError, match="these credentials do not permit finding out: hold the records by"):
                made.add_hold(messages_of_holds.AddHoldRequest(scope=scope, reason="a lawsuit"), HERE)


def test_nothing_is_erased_if_one_of_many_values_is_held_and_all_are_after_its_release(writer: Writer) -> None:
    write(writer, [log_record("password=a1")])
    write(writer, [log_record("password=a1")], received=START + DAY)
    assert held(writer.engine, HoldScope(stream="operational", since=START + DAY), value="a1")
    assert len(matching_commitments(writer.engine, value="a1")) == 2
    release_hold(writer.engine, "case-1", "settled", "eve", HERE)
    assert erase(writer.engine, value="a1") == 2


def test_nothing_is_erased_that_cannot_be_recorded(writer: Writer) -> None:
    def refuse(*_: object) -> None:
        raise NotRecordedError("UNAVAILABLE: overloaded")

    write(writer, [log_record("password=a1")])
    with pytest.raises(UnrecordedError, match="nothing was erased"):
        Disclosures(writer.engine, refuse, "local").erase(messages.EraseRequest(value="a1", reason="r"), HERE)
    assert values(writer.engine, "a1") == ["a1"]


def test_a_hold_that_is_there_once_the_intention_is_recorded_keeps_the_values(writer: Writer) -> None:
    """As if another server had added it, or the record had only been stored meanwhile."""
    said: Said = []

    def hold(erasure: Erasure) -> None:
        said.append(erasure)
        add_hold(writer.engine, "case-1", HoldScope(service="shop"), "a lawsuit", "eve", HERE)

    write(writer, [login("a1")])
    with pytest.raises(ConflictError, match="nothing was erased, because a legal hold keeps"):
        Disclosures(writer.engine, hold, "local").erase(messages.EraseRequest(value="a1", reason="r"), HERE)
    assert [erasure.is_done for erasure in said] == [False]
    assert values(writer.engine, "a1") == ["a1"]


def test_an_erasure_whose_end_is_not_recorded_is_an_error_that_says_that_it_was_done(writer: Writer) -> None:
    def refuse_the_end(erasure: Erasure) -> None:
        if erasure.is_done:
            raise NotRecordedError("UNAVAILABLE: overloaded")

    write(writer, [log_record("password=a1")])
    with pytest.raises(UnrecordedError, match="1 values were erased, but the audit log only has"):
        Disclosures(writer.engine, refuse_the_end, "local").erase(messages.EraseRequest(value="a1", reason="r"), HERE)
    assert values(writer.engine, "a1") == []


def test_calls_that_are_not_allowed_or_not_complete_are_refused(engine: Engine) -> None:
    whole = {"value": "a1", "reason": "request 4711"}
    for changed in ({"value": ""}, {"reason": " "}, {"reason": "a1"}, {"requested_by": "a1"}, {"reason": "x" * 1001}):
        with pytest.raises(InvalidArgumentError):
            erasing(engine, []).erase(messages.EraseRequest(**{**whole, **changed}), HERE)
    with pytest.raises(NotPermittedError):
        erasing(engine, []).erase(messages.EraseRequest(**whole), "192.0.2.1")
    with pytest.raises(NotPermittedError):
        erasing(engine, []).disclose(messages.DiscloseRequest(commitments=["0" * 64]), "192.0.2.1")
    with pytest.raises(InvalidArgumentError):
        erasing(engine, []).disclose(messages.DiscloseRequest(commitments=["no"]), HERE)


async def test_values_are_disclosed_and_erased_over_http_but_not_for_pages_in_browsers(writer: Writer) -> None:
    write(writer, [log_record("password=a1")])
    (commitment,) = matching_commitments(writer.engine, value="a1")
    made = erasing(writer.engine, [])
    app = build_http_api(
        Backend(writer.engine, TrustedKeys()), Pool("api", 1), lambda: "", lambda: b"", disclosures=made
    )
    transport = httpx.ASGITransport(app, client=(HERE, 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
        refused = await client.post("/api/v1/disclosures", json={"commitments": []}, headers={"Origin": "http://evil"})
        assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_ARGUMENT")
        answer = await client.post("/api/v1/disclosures", json={"commitments": [commitment]})
        (value,) = answer.json()["values"]
        assert sha256(b64decode(value["salt"]) + b64decode(value["value"])).hexdigest() == commitment
        both = {"actor": "x", "value": "a1", "reason": "r"}
        ambiguous = await client.post("/api/v1/disclosures/erase", json=both)
        assert (ambiguous.status_code, ambiguous.json()["message"]) == (
            400,
            "actor and value are given: give one of them",
        )
        erased = await client.post("/api/v1/disclosures/erase", json={"value": "a1", "reason": "request 4711"})
        assert (erased.status_code, erased.json()["erased"]) == (200, "1")
        assert (await client.post("/api/v1/disclosures", json={"commitments": [commitment]})).json()["values"] == []
