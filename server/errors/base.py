"""The root of all errors that Lognotary raises on purpose, and the one place that ends a process because of them.

LognotaryError
├── OperatingSystemError      a disk, a file or a socket failed where nothing else expected it
├── NotaryError               server.notary.errors: keys, signatures, evidence
├── StorageError              storage.errors: ClickHouse, embedded or as a server
├── IngestError               server.errors.ingest: a request that is refused
│   ├── PipelineError         between receipt and commit
│   └── ReceiveError          server.otlp.errors: before its records are looked at
├── ListeningError            server.errors.listening: ports
├── ConfigError               server.settings.settings: settings
│   └── MemoryLimitError      server.process.memory_limit
├── RuleError                 server.codec.rules: audit rules in the settings
├── DataDirectoryError        server.data_dir.directory
├── KeyStoreError             server.keys.store
├── LogUnusableError          server.log.recovery
├── WitnessError              server.witness.errors: witnesses and timestamp authorities
├── ApiError                  server.api.errors: calls to the API
├── WorkerFailedError         server.workers.supervisor
├── NotRecordedError          server.self_verification.audit_trail
├── ServerFailedError         server.demo.server_process
└── UnexpectedError           server.demo.checks
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

__all__ = ["LognotaryError", "OperatingSystemError", "run_reporting_errors"]


class LognotaryError(Exception):
    """Base of every error of Lognotary; the message says what is wrong and, where somebody can do something, what.

    Attributes:
        exit_status: exit status of a process that ends because of it: 1 after work was done, 2 where it cannot run.
        retryable: the same may succeed later although nobody changes anything.
    """

    exit_status: ClassVar[int] = 2
    retryable: ClassVar[bool] = False


class OperatingSystemError(LognotaryError):
    """The operating system refused something that a process cannot go on without."""


def run_reporting_errors(run: Callable[[], int], report: Callable[[LognotaryError], int]) -> int:
    """Run a process's work and return its exit status.

    Args:
        run: does the work, and returns the exit status.
        report: tells whom it concerns of the error that ended the work, and returns the exit status.
    """
    try:
        return run()
    except LognotaryError as error:
        return report(error)
    except OSError as error:
        return report(OperatingSystemError(str(error) or type(error).__name__))
