"""A log of a running server, and what others wrote to check logs with."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import httpx
import pytest

from harness.go_program import TLOGCHECK, built
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from server.settings.settings import SETTINGS
from tests.interop.checkers import Checker, GoChecker, RustChecker
from tests.interop.served_log import ORIGIN, SIZES, ServedLog


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLog]:
    """A log of some batches, signed with both types of keys."""
    directory = tmp_path_factory.mktemp("interop")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*(setting.name for setting in SETTINGS), "config", "api"):
            patch.delenv(f"LOGNOTARY_{name.upper()}", raising=False)
        server = LognotaryServer(
            f"chdb://{directory / 'chdb'}",
            directory / "data",
            deployment="shop",
            writer="a",
            batch_age=0.02,
            ml_dsa="true",
        )
        with server:
            for first, size in zip((0, *SIZES), SIZES, strict=False):
                send(server.otlp_grpc, *(log_record(f"record {number}") for number in range(first, size)))
            answer = httpx.get(f"{server.http}/api/v1/logs", timeout=60.0).raise_for_status().json()
            [found] = [each for each in answer["logs"] if each["origin"] == ORIGIN]
            assert int(found["treeSize"]) == SIZES[-1]
            keys = [line for line in server.verifier_keys.read_text().splitlines() if line.startswith(f"{ORIGIN}+")]
            api, url = f"{server.http}/api/v1/logs/{found['logId']}", f"{server.http}/tlog/{found['logId']}"
            yield ServedLog(api, url, keys)


@pytest.fixture(scope="session")
def go_checker() -> GoChecker:
    return GoChecker(built(TLOGCHECK))


@pytest.fixture(scope="session")
def rust_checker() -> RustChecker:
    try:
        return RustChecker(importlib.import_module("metamorphic_log"))
    except ImportError as error:
        lacking(f"metamorphic-log: {error}")


@pytest.fixture(params=["go", "rust"])
def checker(request: pytest.FixtureRequest) -> Checker:
    found: Checker = request.getfixturevalue(f"{request.param}_checker")
    return found
