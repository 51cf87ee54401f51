"""A log of a running server, as others' tools get at it, and those tools."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.config import SETTINGS
from tests.support.go_program import built
from tests.support.lognotary_server import LognotaryServer
from tests.support.otlp_load import log_record, send

ORIGIN = "shop/operational/a"
SIZES = (1, 255, 256, 257, 512, 600)  # after each batch: on both sides of what fits into one tile
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ServedLog:
    """A log, over the server's HTTP API.

    Attributes:
        api: the URL of its calls, ``/api/v1/logs/<log>``.
        url: the URL of its files, ``/tlog/<LogId>``.
        verifier_keys: Ed25519, then ML-DSA-44, from the server's own file and not over HTTP.
    """

    api: str
    url: str
    verifier_keys: Sequence[str]

    @property
    def verifier_key(self) -> str:
        """The Ed25519 key, for tools that know no other type."""
        return self.verifier_keys[0]

    def file(self, path: str) -> bytes:
        """Return one of its files."""
        return httpx.get(f"{self.url}/{path}", timeout=_SECONDS).raise_for_status().content

    def checkpoint(self, size: int) -> str:
        """Return the signed note after so many entries."""
        return str(self._call("checkpoint", tree_size=size)["checkpoint"])

    def inclusion(self, index: int, size: int) -> Mapping[str, Any]:
        """Return the proof of an entry, with its record."""
        return self._call("inclusion-proof", leaf_index=index, tree_size=size, include_record="true")

    def consistency(self, first: int, second: int) -> Mapping[str, Any]:
        """Return the proof that one tree goes on from the other."""
        return self._call("consistency-proof", first=first, second=second)

    def _call(self, name: str, **parameters: str | int) -> Mapping[str, Any]:
        answer = httpx.get(f"{self.api}/{name}", params=parameters, timeout=_SECONDS).raise_for_status().json()
        assert isinstance(answer, dict)
        return answer


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLog]:
    """A log of some batches, signed with both types of keys."""
    directory = tmp_path_factory.mktemp("interop")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*(setting.name for setting in SETTINGS), "config"):
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
            logs = httpx.get(f"{server.http}/api/v1/logs", timeout=_SECONDS).json()["logs"]
            [(log_id, size)] = [(each["logId"], each["treeSize"]) for each in logs if each["origin"] == ORIGIN]
            assert int(size) == SIZES[-1]
            keys = [line for line in server.verifier_keys.read_text().splitlines() if line.startswith(f"{ORIGIN}+")]
            yield ServedLog(f"{server.http}/api/v1/logs/{log_id}", f"{server.http}/tlog/{log_id}", keys)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a tool says: an answer if the evidence holds, and otherwise why not."""

    holds: bool
    answer: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class TlogCheck:
    """The program in ``tlogcheck``, which checks evidence with the Go project's packages."""

    program: Path

    def __call__(self, command: str, request: Mapping[str, Any]) -> Verdict:
        """Ask it. What it cannot tell is an error and no verdict."""
        done = subprocess.run(
            [str(self.program), command],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return Verdict(not done.returncode, json.loads(done.stdout or "{}"), done.stderr.strip())


@pytest.fixture(scope="session")
def tlogcheck() -> TlogCheck:
    """Go's own packages for logs."""
    return TlogCheck(built(Path(__file__).parent / "tlogcheck"))
