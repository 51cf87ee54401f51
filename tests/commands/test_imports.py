"""Modules that are imported for a command."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from server.commands.arguments.overview import COMMANDS

HEAVY = (
    "asyncio",
    "chdb",
    "clickhouse_connect",
    "google.protobuf",
    "grpc",
    "numpy",
    "server.app",
    "starlette",
    "uvicorn",
)

IMPORTED = """
import json, sys
from server.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        [],
        ["trce"],
        *([name, "--help"] for group in COMMANDS.values() for name in group),
        ["trace"],
        ["trace", "--sinse"],
        ["audit", "--since", "some day"],
        ["audit", "--outcome", "failed"],
        ["verify", "--since", "1h", "--until", "2h"],
        ["keys"],
        ["keys", "lst"],
        ["completion", "bash"],
    ],
)
def test_help_and_wrong_usage_need_no_heavy_module(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(arguments=arguments)], capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    assert modules.isdisjoint(HEAVY)
    assert "server.cli" in modules


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace", "1" * 32],
        ["status"],
        ["audit"],
        ["verify"],
        ["prove", "local/audit/00000000#0"],
        ["checkpoint"],
        ["findings", "list"],
    ],
)
def test_queries_need_neither_the_server_nor_storage(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(arguments=[*arguments, "--api", "127.0.0.1:1"])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no server is listening on 127.0.0.1:1" in done.stderr
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    assert modules.isdisjoint(
        {"chdb", "clickhouse_connect", "numpy", "server.app", "server.verification", "starlette", "uvicorn"}
    )
    assert "grpc" in modules
