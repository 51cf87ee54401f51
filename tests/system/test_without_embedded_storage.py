"""A server where embedded storage, which is an extra, is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import Load
from server.notary.signers import Ed25519Key, public_pem

_SITE = """\
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"chdb", "chdb_core", "pandas", "pyarrow"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
_ADVICE = (
    "embedded storage is not installed: pip install 'lognotary[embedded]', "
    "or give --storage http://user:password@host:8123/database"
)


@pytest.fixture
def without(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a process that finds none of the extra's packages."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    return {"PYTHONPATH": f"{site}:{Path(__file__).parents[2]}"}


def test_serve_says_how_to_install_it_or_to_do_without(tmp_path: Path, without: Mapping[str, str]) -> None:
    done = run_lognotary("serve", "--otlp-grpc=127.0.0.1:0", cwd=tmp_path, env=without)
    assert done.returncode == 2
    assert _ADVICE in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "chdb").exists()


def test_so_does_a_command_that_reads_storage(tmp_path: Path, without: Mapping[str, str]) -> None:
    database = tmp_path / "chdb" / "metadata" / "lognotary.sql"
    database.parent.mkdir(parents=True)
    database.touch()
    key = tmp_path / "public-key.pem"
    key.write_bytes(public_pem(Ed25519Key.generate().public_key))
    storage = f"--storage=chdb://{tmp_path / 'chdb'}"
    done = run_lognotary("verify", storage, f"--public-key={key}", cwd=tmp_path, env=without)
    assert (done.returncode, done.stdout) == (2, "")
    assert _ADVICE in done.stderr


def test_the_demo_says_so_too(tmp_path: Path, without: Mapping[str, str]) -> None:
    done = run_lognotary("demo", cwd=tmp_path, env=without)
    assert done.returncode != 0
    assert "embedded storage is not installed" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_clickhouse_server_takes_everything_without_it(
    clickhouse_storage: str, tmp_path: Path, without: Mapping[str, str], workers: int
) -> None:
    server = LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, env=without, workers=workers)
    with server, Load(server.otlp_grpc, threads=1) as load:
        load.wait_for_acknowledged(20)
        load.stop()
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], len(load.acknowledged))
