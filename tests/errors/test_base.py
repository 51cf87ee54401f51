"""One base for all errors, and one place that ends a process because of them."""

from __future__ import annotations

import errno
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import server
import storage
from server.errors.base import LognotaryError, OperatingSystemError, run_reporting_errors
from server.errors.ingest import JournalDamagedError, RefusedError, StorageRefusedError
from server.errors.listening import ListenerEndedError
from server.notary.errors import SigningError
from server.witness.errors import WitnessError
from storage.errors import NotAppliedError, StorageConfigError

NATIVE = "server.codec._native.RefusedError"
OTHERS = {
    "server.process.storage_wait.StoppedError": "no error: the server was told to stop while it started",
    "server.self_verification.throttle.WorkStoppedError": "no error: ends a thread that is not wanted any more",
    NATIVE: "compiled; server.codec.native_codec raises a MalformedRequestError for it",
    "server.process.pools.PoolFullError": "never leaves a call: the API answers RESOURCE_EXHAUSTED for it",
    "server.process.fair_queue.QueueFullError": "never leaves a call: the API answers RESOURCE_EXHAUSTED for it",
    "server.self_verification.scrubber._KeysMarkedError": "no error: begins a pass anew; never leaves its module",
    "server.query.export_formats.MissingPackageError": "the API answers INVALID_ARGUMENT for it",
    "server.codec.otlp_json._InvalidError": "never leaves its module, which raises a MalformedRequestError for it",
}


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name not in {"server.check", "server.__main__"}:  # the check stands alone, and has errors of its own
            yield importlib.import_module(found.name)


def test_every_error_derives_from_the_one_base() -> None:
    errors = {
        f"{module.__name__}.{name}": kind
        for package in (server, storage)
        for module in modules(package)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    }
    assert len(errors) > 50
    strangers = {name for name, kind in errors.items() if not issubclass(kind, LognotaryError)}
    assert strangers - {NATIVE} == set(OTHERS) - {NATIVE}  # built only where a compiler is


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WitnessError("why"), 2),
        (JournalDamagedError("why"), 2),
        (StorageConfigError("why"), 2),
        (ListenerEndedError("why"), 1),
    ],
)
def test_an_error_is_reported_once_and_gives_the_exit_status(error: LognotaryError, status: int) -> None:
    assert ended_by(error) == ([error], status)


def test_a_failure_of_the_operating_system_is_reported_like_other_errors() -> None:
    (reported,), status = ended_by(OSError(errno.ENOSPC, "No space left on device", "/data/lock"))
    assert isinstance(reported, OperatingSystemError)
    assert str(reported) == "/data/lock: no space left on device"
    assert status == 2


def test_a_failure_without_words_is_reported_by_its_kind() -> None:
    assert str(ended_by(TimeoutError())[0][0]) == "TimeoutError"


def test_a_mistake_in_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ended_by(ZeroDivisionError())


def test_work_that_ends_well_gives_its_own_status() -> None:
    assert run_reporting_errors(lambda: 7, lambda error: error.exit_status) == 7


def test_an_error_says_whether_the_same_may_succeed_later() -> None:
    retryable = (NotAppliedError, SigningError, RefusedError, StorageRefusedError, ListenerEndedError)
    assert all(kind.retryable for kind in retryable)
    assert not any(kind.retryable for kind in (LognotaryError, StorageConfigError, JournalDamagedError, WitnessError))


def ended_by(error: Exception) -> tuple[list[LognotaryError], int]:
    reported: list[LognotaryError] = []

    def fail() -> int:
        raise error

    def report(error: LognotaryError) -> int:
        reported.append(error)
        return error.exit_status

    status = run_reporting_errors(fail, report)
    return reported, status
