"""Old parts of audit records move to another volume of a ClickHouse server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from harness.waiting import wait_for
from server.notary.origin import Stream
from storage.clickhouse import connect
from storage.definitions import compare_definitions, read_definitions
from storage.errors import StorageConfigError
from storage.migrate import migrate
from storage.retention import apply_retention, check_cold_volume
from storage.retention_policy import Policy
from storage.url import parse_storage_url

_CONFIG = """
<storage_configuration>
  <disks><cold_disk><path>{path}/</path></cold_disk></disks>
  <policies><tiered><volumes>
    <default><disk>default</disk></default>
    <cold><disk>cold_disk</disk></cold>
  </volumes></tiered></policies>
</storage_configuration>
"""


def test_old_parts_of_audit_records_move_to_the_cold_volume_and_young_ones_stay(tmp_path: Path) -> None:
    try:
        node = ClickHouseNode(tmp_path / "node", config=_CONFIG.format(path=tmp_path / "cold"))
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    with node, closing(connect(parse_storage_url(f"{node.url}/?database=shop"))) as engine:
        migrate(engine)
        with pytest.raises(StorageConfigError, match="'default' of the table audit_logs has no volume 'cold'"):
            check_cold_volume(engine, "audit_logs", "cold")
        engine.execute("ALTER TABLE audit_logs MODIFY SETTING storage_policy = 'tiered'")
        check_cold_volume(engine, "audit_logs", "cold")
        for days in (1, 100):
            engine.execute(f"INSERT INTO audit_logs (IngestedAt) VALUES (now64(9) - toIntervalDay({days}))")
        apply_retention(engine, {Stream.AUDIT: Policy(400, cold_volume="cold", cold_after=90)})

        def disks() -> str:
            return node.query(
                "SELECT disk_name FROM system.parts WHERE active AND rows > 0 AND database = 'shop' "
                "AND table = 'audit_logs' ORDER BY partition DESC"
            )

        wait_for(lambda: disks().split() == ["default", "cold_disk"])
        assert compare_definitions(read_definitions(engine)) == ()
