"""Logs of a server with a few records, as commands show them."""

from __future__ import annotations

import re

import grpc

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from lognotary.v1.evidence_pb2 import ListLogsRequest, Log
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub

# That of test 1 in RFC 8032, section 7.1.
OTHER_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""


def started_with_records(lognotary: LognotaryServer) -> LognotaryServer:
    """Start a server, and give it an audit log of three entries, and an operational log of one."""
    lognotary.start()
    for actor in ("ann", "bob", "cyd"):
        send(lognotary.otlp_grpc, log_record(f"event of {actor}", audit_actor_id=actor, audit_action="login"))
    send(lognotary.otlp_grpc, log_record("a line"))
    return lognotary


def audit_log(server: LognotaryServer) -> Log:
    return next(log for log in listed(server) if log.stream == "audit")


def listed(server: LognotaryServer) -> list[Log]:
    with grpc.insecure_channel(server.api_grpc) as channel:
        return list(EvidenceServiceStub(channel).ListLogs(ListLogsRequest()).logs)


def shown_record(server: LognotaryServer, actor: str) -> str:
    """The name of a record, as ``lognotary audit`` shows it."""
    found = re.search(r"\S+/audit/\S+#\d+", server.cli("audit", "--actor", actor).stdout)
    assert found
    return found[0]
