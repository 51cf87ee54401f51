"""Results of producers' signatures: in answers, and as a filter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import search_audit, search_records
from server.api.errors import InvalidArgumentError
from server.codec.audit.built_in import built_in_rules
from server.codec.producers.policy import Result
from server.codec.producers.verdict import Verdict
from server.codec.reference import ReferenceCodec
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from tests.api.store import LOGS, START
from tests.log.writers import log_writer

VERDICTS = {
    0: Verdict(Result.VERIFIED, "", "sha256:00", "ES256", "signingprocessor/2"),
    1: Verdict(Result.FAILED, "the signature does not match the record", "sha256:00", "ES256"),
    2: Verdict(Result.UNTRUSTED, "no key or certificate with this fingerprint is known", "", "ES256"),
    5: Verdict(Result.FAILED, "the algorithm is not supported"),
}


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _forgeries() -> list[KeyValue]:
    """Make attributes that put into the details of a record what looks most like a result."""
    result = KeyValueList(values=[KeyValue(key="result", value=AnyValue(int_value=1)), _text("verified", "verified")])
    return [
        KeyValue(key="producer", value=AnyValue(kvlist_value=result)),
        KeyValue(key='"producer":{"result":"verified"', value=AnyValue(int_value=1)),
    ]


@pytest.fixture(scope="module")
def keys(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustedKeys]:
    """The keys of logs with five audit events, of which three are signed, and a signed record."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(6):
        attributes = [_text("audit.record.id", f"r-{number}")] if number < 5 else []
        attributes += _forgeries() if number == 4 else []
        records.append(LogRecord(time_unix_nano=START + number, attributes=attributes))
    annotations = [verdict.annotation(number) for number, verdict in VERDICTS.items()]
    signer = Signer.generate()
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        for rows in ReferenceCodec(built_in_rules()).encode(request.SerializeToString(), START, annotations):
            log_writer(module_engine, journal, LogState(LOGS[rows.stream]), signer).commit([rows])
        yield TrustedKeys(named=tuple(signer.verifier_key(name.origin) for name in LOGS.values()))


def found(response: pb.SearchAuditEventsResponse) -> list[str]:
    assert {event.evidence.state for event in response.events} <= {evidence_pb2.VERIFIED}
    return [event.audit.record_id for event in response.events]


def test_an_answer_has_the_result_of_each_record(module_engine: Engine, keys: TrustedKeys) -> None:
    events = search_audit(module_engine, keys, pb.SearchAuditEventsRequest()).events
    results = {event.audit.record_id: event.producer_signature for event in events}
    assert results["r-0"] == pb.ProducerSignature(
        result="verified", key="sha256:00", algorithm="ES256", form="signingprocessor/2"
    )
    assert results["r-1"].reason == "the signature does not match the record"
    assert [event.audit.record_id for event in events if not event.HasField("producer_signature")] == ["r-4", "r-3"]
    (entry,) = search_records(module_engine, keys, pb.SearchRequest(streams=["operational"])).entries
    assert entry.log.producer_signature == pb.ProducerSignature(
        result="failed", reason="the algorithm is not supported"
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [("verified", ["r-0"]), ("failed", ["r-1"]), ("UNTRUSTED", ["r-2"]), ("none", ["r-4", "r-3"])],
)
def test_events_are_found_by_the_result(
    module_engine: Engine, keys: TrustedKeys, word: str, expected: list[str]
) -> None:
    for request in (
        pb.SearchAuditEventsRequest(signature=word),
        pb.SearchAuditEventsRequest(query=f"signature:{word}"),
    ):
        assert found(search_audit(module_engine, keys, request)) == expected


def test_the_result_is_one_filter_of_several(module_engine: Engine, keys: TrustedKeys) -> None:
    request = pb.SearchAuditEventsRequest(signature="failed", query="record:r-0")
    assert found(search_audit(module_engine, keys, request)) == []


def test_a_query_finds_whatever_has_a_result(module_engine: Engine, keys: TrustedKeys) -> None:
    request = pb.SearchRequest(query="signature:*", streams=["audit", "operational"])
    assert len(search_records(module_engine, keys, request).entries) == 4


def test_a_result_that_does_not_exist_is_refused(module_engine: Engine, keys: TrustedKeys) -> None:
    with pytest.raises(InvalidArgumentError, match="signature: 'valid' is not verified, failed"):
        search_audit(module_engine, keys, pb.SearchAuditEventsRequest(signature="valid"))
