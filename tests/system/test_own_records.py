"""Records of the server's own: taken whatever producers must do, and told apart from those that senders forge."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import send
from storage.clickhouse import connect
from storage.hold_records import OWN_MARK
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url
from tests.audit_ids.audit_records import audit_record
from tests.codec.producers.signing import producer


def details(storage_url: str) -> list[tuple[str, dict[str, object], str]]:
    """Return the body, the details and the actor of each audit record."""
    engine = connect(parse_storage_url(storage_url))
    try:
        rows = engine.query("SELECT Body, OtlpDetails, ActorId FROM audit_logs ORDER BY IngestedAt, LogId, LeafIndex")
        return [(body, json.loads(found or "{}"), actor) for body, found, actor in read_rows(rows, (text, text, text))]
    finally:
        engine.close()


def test_own_records_of_a_server_with_workers_are_marked_and_need_no_signature(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "one.pem").write_text(producer().pem)
    with LognotaryServer(
        clickhouse_storage,
        tmp_path / "data",
        workers=2,
        audit_strict="true",
        producer_signatures="require",
        producer_keys=str(keys),
        redaction_keys="actor id",
        redaction_modes="key.custom=disclose",
    ) as server:
        with pytest.raises(grpc.RpcError, match="must have a valid signature"):
            send(server.otlp_grpc, audit_record(), service="lognotary")
        added = server.cli("hold", "add", "case-1", "--service", "shop", "--reason", "a lawsuit")
        assert added.returncode == 0, added.stderr
        assert server.cli("hold", "release", "case-1", "--reason", "settled").returncode == 0
        assert server.verify()[0] == []
    found = details(clickhouse_storage)
    assert [body.split(":")[0].split(" of ")[0] for body, _, _ in found] == [
        "legal hold case-1",
        "legal hold case-1",
        "legal hold case-1 is about to be released",
        "legal hold case-1 released",
    ]
    assert all(members[OWN_MARK] == {"part": "lognotary.administration"} for _, members, _ in found)
    assert not any("redacted" in actor for _, _, actor in found), "who holds must not become a value that can be erased"
