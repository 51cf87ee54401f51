"""The settings that the ClickHouse server of the tests knows; it does not start with a profile that has others."""

from pathlib import Path

from harness.clickhouse_node import ClickHouseNode

__all__ = ["known_settings"]


def known_settings(directory: Path) -> frozenset[str]:
    """Start a server on a directory, and return the names of its settings.

    Raises:
        ServerUnavailableError: no server can be started.
    """
    with ClickHouseNode(directory) as node:
        return frozenset(node.query("SELECT name FROM system.settings").split())
