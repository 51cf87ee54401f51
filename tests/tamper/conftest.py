"""The store that is tampered with, once for each engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.clickhouse_users import role_rights, url_of_user, user
from harness.lacking import lacking
from server.log.journal import Journal
from server.notary.origin import LogName
from storage.clickhouse import connect, connect_to_read
from storage.migrate import migrate
from storage.roles import Role
from storage.url import parse_storage_url
from tests.effort import PROFILES, profile
from tests.sampling import added, thinned
from tests.tamper.stated import Stated, write_stated
from tests.tamper.store import AUDIT, Store, Tables, write_store
from tests.tamper.walking import Walk

_LARGE = ("test_foreign_rows.py", "test_kinds.py", "test_kinds_of_answers.py")
_LARGE_IN_CI = {
    *_LARGE,
    "test_answers.py",
    "test_batches.py",
    "test_bits.py",
    "test_profiles.py",
    "test_time_ranges.py",
}
_SERVER_SAMPLE, _CI_SAMPLE = 4, 3  # one of so many
_HERE = Path(__file__).parent
_DATABASE = "tampered"
_READ_ONLY = "<auditor><readonly>2</readonly></auditor>"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most tests of the large modules on the ClickHouse server: what they test takes the same path there.

    With the profile of CI, a third of the tests of large modules stays. With the patient profile, all tests stay. Of
    every test function, something stays.
    """
    if profile() == PROFILES[0]:
        return
    of_server = [item for item in items if _is_of(item, _LARGE) and "[server" in item.name]
    dropped = _left_out(of_server, _SERVER_SAMPLE)
    if profile() == "sampled":
        left = [item for item in items if _is_of(item, _LARGE_IN_CI) and item not in dropped]
        dropped |= _left_out(left, _CI_SAMPLE)
    kept = {at for at, item in enumerate(items) if item not in dropped}
    dropped -= {items[at] for at in added([item.nodeid.partition("[")[0] for item in items], kept)}
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=list(dropped))


def _is_of(item: pytest.Item, modules: Collection[str]) -> bool:
    return item.path.parent == _HERE and item.path.name in modules


def _left_out(items: Sequence[pytest.Item], share: int) -> set[pytest.Item]:
    """Return all items but one of so many."""
    stay = thinned(len(items), share)
    return {item for at, item in enumerate(items) if at not in stay}


@pytest.fixture(scope="package", params=["embedded", "server"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store as it was written; the engine is the package's, for one process opens one embedded storage.

    On the tests' own server it is verified as a user with the rights of an auditor, who may only read.
    """
    directory = tmp_path_factory.mktemp("tamper")
    if request.param == "embedded":
        yield from _open(f"chdb://{directory / 'chdb'}", directory)
        return
    users = user("auditor", role_rights(Role.AUDITOR, _DATABASE), profile="auditor")
    try:
        with ClickHouseNode(directory / "node", users=users, profiles=_READ_ONLY) as node:
            yield from _open(f"{node.url}/{_DATABASE}", directory, url_of_user(node.url, "auditor", _DATABASE))
    except ServerUnavailableError as error:  # a server of others has no such user
        lacking(f"no ClickHouse server of the tests' own: {error}")


def _open(url: str, directory: Path, auditors_url: str = "") -> Iterator[Store]:
    with (
        closing(connect(parse_storage_url(url))) as engine,
        closing(Journal(directory / "journal", 1 << 20)) as journal,
        ExitStack() as stack,
    ):
        migrate(engine)
        auditor = None
        if auditors_url:
            auditor = stack.enter_context(closing(connect_to_read(parse_storage_url(auditors_url))))
        yield write_store(Tables(engine, journal, auditor))


@pytest.fixture(scope="package")
def written_stated(written: Store) -> Stated:
    """A second store beside it, whose logs have statements, as it was written."""
    return write_stated(written.tables)


@pytest.fixture
def store(written: Store) -> Iterator[Store]:
    """The store, untouched; restored after the test."""
    written.restore()
    try:
        yield written
    finally:
        written.restore()


@pytest.fixture
def stated(written_stated: Stated) -> Iterator[Stated]:
    """The store with statements, untouched; restored after the test."""
    written_stated.restore()
    try:
        yield written_stated
    finally:
        written_stated.restore()


@pytest.fixture
def walk(stated: Stated) -> Walk:
    """A walker of self-verification on the store with statements."""
    return Walk(stated)


@pytest.fixture
def name() -> LogName:
    """The log that is tampered with where its stream makes no difference."""
    return AUDIT
