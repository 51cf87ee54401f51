"""Logs of ClickHouse, which must not have what is erased."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from lognotary.v1 import disclosures_pb2 as messages
from server.api.disclosures import Disclosures
from server.api.errors import ConflictError
from storage.clickhouse import connect
from storage.disclosures import DisclosedValue, insert_disclosures
from storage.hold_scope import HoldScope
from storage.holds import add_hold, release_hold
from storage.migrate import migrate
from storage.url import parse_storage_url

_LOGS = ("query_log", "text_log")
_CONFIG = "".join(
    f"<{name}><database>system</database><table>{name}</table><level>trace</level></{name}>" for name in _LOGS
)
_ACTOR, _VALUE = "erased-actor", "erased-value"
_HERE = "127.0.0.1"


def test_clickhouse_logs_neither_the_value_nor_the_actor_of_an_erasure(tmp_path: Path) -> None:
    try:
        node = ClickHouseNode(tmp_path / "node", config=_CONFIG, log_level="trace")
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")

    with node, closing(connect(parse_storage_url(f"{node.url}/?database=shop"))) as engine:
        migrate(engine)
        insert_disclosures(
            engine,
            [DisclosedValue(10**18, bytes([n]) * 32, _VALUE.encode(), "card", (_ACTOR.encode(),)) for n in range(3)],
        )
        disclosures = Disclosures(engine, lambda _: None, "local")
        by_value = messages.EraseRequest(value=_VALUE, reason="request 4711")
        add_hold(engine, "case-1", HoldScope(), "a lawsuit", "eve", _HERE)
        with pytest.raises(ConflictError):
            disclosures.erase(by_value, _HERE)
        release_hold(engine, "case-1", "settled", "eve", _HERE)
        add_hold(engine, "case-2", HoldScope(service="shop"), "a lawsuit", "eve", _HERE)
        assert disclosures.erase(by_value, _HERE).erased == 3
        assert disclosures.erase(messages.EraseRequest(actor=_ACTOR, reason="request 4711"), _HERE).erased == 0
        node.query("SYSTEM FLUSH LOGS")
        logged = [node.query(f"SELECT * FROM system.{table}") for table in (*_LOGS, "errors")]
    logged.append((node.directory / "server.log").read_text())
    for text in logged:
        assert _VALUE not in text
        assert _ACTOR not in text
    assert all("disclosures" in text for text in logged[: len(_LOGS)])
