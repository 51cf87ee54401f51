"""The server that tests share comes back after one of them has ended it."""

from pathlib import Path

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking


def test_a_database_can_be_had_after_the_server_has_ended_by_itself(tmp_path: Path) -> None:
    try:
        with ClickHouseNode(tmp_path) as node:
            node.kill()
            with node.fresh_database() as database:
                assert node.query("SELECT currentDatabase()", database=database) == database
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")
