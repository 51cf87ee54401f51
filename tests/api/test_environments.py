"""A limit to environments, in storage: a record with both attributes has the environment of the present one."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from lognotary.v1 import correlation_pb2 as pb
from server.access.callers import Grant, Role
from server.access.scopes import scope_of
from server.api.correlation import search_records
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from storage.bound import BoundEngine, reading_as
from tests.api.store import START, Writer, log_record

NEW, OLD = "deployment.environment.name", "deployment.environment"


def write(writer: Writer, body: str, **environments: str) -> None:
    texts = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in environments.items()]
    sent = ResourceLogs(resource=Resource(attributes=texts), scope_logs=[ScopeLogs(log_records=[log_record(body)])])
    request = ExportLogsServiceRequest(resource_logs=[sent]).SerializeToString()
    writer.commit(ReferenceCodec(built_in_rules()).encode(request, START))


@pytest.mark.parametrize(("environment", "bodies"), [("staging", {"old", "new"}), ("prod", {"both"})])
def test_a_record_of_production_is_not_shown_to_readers_of_staging(
    writer: Writer, environment: str, bodies: set[str]
) -> None:
    write(writer, "both", **{NEW: "prod", OLD: "staging"})
    write(writer, "old", **{OLD: "staging"})
    write(writer, "new", **{NEW: "staging"})
    with reading_as(scope_of([Grant(Role.VIEWER, environments=frozenset({environment}))])):
        found = search_records(BoundEngine(writer.engine), writer.keys, pb.SearchRequest(streams=["operational"]))
    assert {entry.log.body for entry in found.entries} == bodies
