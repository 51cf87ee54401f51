"""The test vectors in ``docs/examples``: what a verifier must accept and refuse, by both verifiers that there are."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from server.log.journal import Journal
from server.notary.findings import Finding
from server.notary.trust import TrustedKeys
from server.verification.expiry import Expired
from server.verification.scope import Scope
from server.verification.verification import verify
from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.docs.outsider import run_verifier
from tests.tamper.store import TABLES, Tables

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"


def load(name: str) -> ModuleType:
    """Load a script of the documentation as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generator = load("generate_examples")
TAMPERING = {
    what: (kinds.split(), sql)
    for what, kinds, sql in re.findall(
        r"^-- ([^:\n]+): ([A-Z_ ]+)\n((?!--)[^\n]+);$",
        (EXAMPLES / "tampering.sql").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
"""Name of a kind of tampering -> the kinds of findings that the example verifier reports, and the SQL that tampers."""


@dataclass(frozen=True)
class Vectors:
    """The store of ``store.sql`` in ClickHouse."""

    tables: Tables
    url: str
    key: Path

    def findings(self) -> list[Finding]:
        keys = TrustedKeys(unnamed=(generator.SIGNERS[0].ed25519.public_key,))
        return [step for step in verify(self.tables.engine, keys, Scope()) if isinstance(step, Finding)]


@pytest.fixture(scope="module")
def vectors(clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vectors]:
    directory = tmp_path_factory.mktemp("vectors")
    key = directory / "public-key.pem"
    key.write_bytes(generator.SIGNERS[0].public_pem())
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with closing(connect(parse_storage_url(url))) as engine, closing(Journal(directory / "j", 1 << 20)) as journal:
            migrate(engine)
            for statement in (EXAMPLES / "store.sql").read_text(encoding="utf-8").split(";\n"):
                if statement.strip():
                    engine.execute(statement)
            tables = Tables(engine, journal)
            tables.keep("vectors")
            yield Vectors(tables, url, key)


@pytest.fixture
def untouched(vectors: Vectors) -> Iterator[Vectors]:
    vectors.tables.show("vectors")
    yield vectors
    vectors.tables.touched |= set(TABLES)


def test_the_files_are_what_the_generator_writes() -> None:
    assert (EXAMPLES / "store.sql").read_text(encoding="utf-8") == generator.store_sql(), (
        "run docs/generate_examples.py"
    )


def test_the_settings_are_those_that_lognotary_sends() -> None:
    assert (EXAMPLES / "verifier" / "settings.tsv").read_text(encoding="utf-8") == generator.settings_tsv(), (
        "run docs/generate_examples.py"
    )


def test_the_key_is_the_one_on_the_page_about_evidence() -> None:
    pem = generator.SIGNERS[0].public_pem().decode()
    assert pem in (DOCS / "evidence.md").read_text(encoding="utf-8")


def test_both_verifiers_accept_the_store(untouched: Vectors) -> None:
    run = run_verifier(untouched.url, untouched.key)
    assert (run.returncode, run.stdout) == (0, "0 findings, 7 batches\n"), run.stderr

    keys = TrustedKeys(unnamed=(generator.SIGNERS[0].ed25519.public_key,))
    steps = list(verify(untouched.tables.engine, keys, Scope()))
    assert [step.records for step in steps if isinstance(step, Expired)] == [3]
    assert untouched.findings() == []


def test_the_list_is_read_as_a_whole() -> None:
    text = (EXAMPLES / "tampering.sql").read_text(encoding="utf-8")
    assert len(TAMPERING) == len(re.findall(r"^(?!--).+$", text, re.MULTILINE)) > 30


def test_both_verifiers_accept_that_a_record_of_a_batch_has_expired(untouched: Vectors) -> None:
    untouched.tables.engine.execute("ALTER TABLE audit_logs DELETE WHERE LeafIndex = 3 SETTINGS mutations_sync = 2")
    run = run_verifier(untouched.url, untouched.key)
    assert (run.returncode, run.stdout) == (0, "0 findings, 7 batches\n"), run.stderr
    assert untouched.findings() == []


@pytest.mark.parametrize("what", TAMPERING)
def test_both_verifiers_refuse_it(untouched: Vectors, what: str) -> None:
    kinds, sql = TAMPERING[what]
    untouched.tables.engine.execute(sql + (" SETTINGS mutations_sync = 2" if sql.startswith("ALTER") else ""))

    run = run_verifier(untouched.url, untouched.key)

    assert run.returncode == 1, run.stdout + run.stderr
    assert sorted({line.partition(":")[0] for line in run.stdout.splitlines()[:-1]}) == kinds
    assert untouched.findings() != []
