"""The verifier in ``docs/examples/verifier``, which was written from the page alone, agrees with ``lognotary verify``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from server.log.journal import Journal
from server.notary.batch import compute_batch_id
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from storage.clickhouse import connect
from storage.commit import insert_batch
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.tamper.stated import LAST, Stated, write_stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, Tables, batch_row, row, statement_row

VERIFIER = Path(__file__).parents[2] / "docs" / "examples" / "verifier"


@dataclass(frozen=True)
class Outsider:
    """Somebody with a store, one of its keys, and the verifier."""

    store: Stated
    url: str
    directory: Path

    def verify(self, *options: str, key: int = 0, of: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the verifier with the first or the second key."""
        file = self.directory / f"key-{key}.pem"
        file.write_bytes(self.store.signers[key].public_pem())
        return run_verifier(self.url, of or file, *options)

    def kinds(self, *options: str) -> list[str]:
        """Return the kinds of what the verifier finds."""
        run = self.verify(*options)
        assert run.returncode == 1, run.stdout + run.stderr
        return [line.partition(":")[0] for line in run.stdout.splitlines()[:-1]]

    def keep(self, note: str) -> str:
        """Keep a checkpoint or statement in a file; return its path."""
        file = self.directory / "kept"
        file.write_text(note, encoding="utf-8")
        return str(file)


def run_verifier(url: str, key: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VERIFIER / "verify_store.py"), url, "--public-key", str(key), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def written(clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outsider]:
    directory = tmp_path_factory.mktemp("outsider")
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with closing(connect(parse_storage_url(url))) as engine, closing(Journal(directory / "j", 1 << 20)) as journal:
            migrate(engine)
            yield Outsider(write_stated(Tables(engine, journal)), url, directory)


@pytest.fixture
def outsider(written: Outsider) -> Iterator[Outsider]:
    written.store.restore()
    try:
        yield written
    finally:
        written.store.restore()


@pytest.mark.parametrize("key", [0, 1])
def test_an_untouched_store_is_what_was_signed_by_either_of_its_keys(outsider: Outsider, key: int) -> None:
    run = outsider.verify(key=key)
    assert (run.returncode, run.stdout, run.stderr) == (0, "0 findings, 16 batches\n", "")
