"""The base class of all errors that Lognotary raises on purpose, and the one place that turns them into an exit status.

LognotaryError
├── OperatingSystemError      a disk, a file or a socket failed unexpectedly
├── NotaryError               server.notary.errors: keys, signatures, evidence
├── StorageError              storage.errors: ClickHouse, embedded or as a server
├── IngestError               server.errors.ingest: a request that is refused
│   ├── PipelineError         between receipt and commit
│   └── ReceiveError          server.otlp.errors: before the records are decoded
├── ListeningError            server.errors.listening: ports
├── AccessError               server.access.errors: credentials and permissions
├── TokenError                server.access.errors: tokens that cannot be read or changed
├── ConfigError               server.settings.errors: settings and the command line
│   └── MemoryLimitError      server.process.memory_limit
├── RuleError                 server.codec.audit.errors: audit rules in the settings
├── CanonicalFormError        server.codec.audit.errors: records without canonical JSON
├── RegexError                server.codec.regex_reading: regular expressions
├── DataDirectoryError        server.data_dir.errors
├── KeyStoreError             server.keys.store
├── LogUnusableError          server.log.stored_log
├── ProviderError             server.login.errors: the OpenID provider
├── WitnessError              server.witness.errors: witnesses and timestamp authorities
├── QueryError                server.query.errors: the text of a query
├── QueryTooExpensiveError    server.query.errors: a query that reached a limit
├── ExplorerNotBuiltError     server.explorer.bundle_page: pages that an installation does not have
├── ApiError                  server.api.errors: calls to the API
├── WorkerFailedError         server.workers.supervisor
├── TaskFailedError           server.process.background
├── NotRecordedError          server.self_verification.audit_trail
├── NotProvedError            server.commands.proved_records
├── NotDisclosedError         server.commands.disclosing
├── ServerFailedError         server.demo.server_process
└── UnexpectedError           server.demo.checks
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from server.errors.files import reason_of

__all__ = ["LognotaryError", "OperatingSystemError", "run_reporting_errors"]


class LognotaryError(Exception):
    """Base class of all errors of Lognotary; the message says what is wrong and, if possible, what to do.

    Attributes:
        exit_status: exit status of a process that ends because of the error: 1 after work was done, 2 if the process
            cannot run.
        retryable: the failed operation may succeed later without any intervention.
    """

    exit_status: ClassVar[int] = 2
    retryable: ClassVar[bool] = False


class OperatingSystemError(LognotaryError):
    """An error of the operating system without which a process cannot continue."""


def run_reporting_errors(run: Callable[[], int], report: Callable[[LognotaryError], int]) -> int:
    """Run a process's work and return its exit status.

    Args:
        run: function that does the work and returns the exit status.
        report: function that reports the error that ended the work, and returns the exit status.
    """
    try:
        return run()
    except LognotaryError as error:
        return report(error)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return report(OperatingSystemError(place + reason_of(error)))
