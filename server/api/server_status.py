"""The status of a server: readiness, storage, logs, self-verification."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import status_pb2 as pb
from server.admission.tenant_limits import NO_LIMITS, TenantLimits, Usage
from server.api.messages import from_nanos
from server.api.proofs import list_logs
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from storage.disk_encryption import encryption_of_disks
from storage.engine import Engine
from storage.errors import AccessDeniedError, StorageError

__all__ = ["SelfVerificationView", "SettingView", "StatusSource", "get_settings", "get_status"]


class SelfVerificationView(Protocol):
    """State of self-verification, as far as the status shows it; times are seconds since the epoch."""

    @property
    def interval(self) -> float:
        """Seconds within which the whole storage is to be verified once."""

    @property
    def findings(self) -> Mapping[str, int]:
        """Current findings, by kind."""

    @property
    def walk_started(self) -> float | None:
        """Start of the current or last pass."""

    @property
    def walk_finished(self) -> float | None:
        """End of the last completed pass."""

    @property
    def walks(self) -> int:
        """Number of completed passes."""

    @property
    def records(self) -> int:
        """Number of verified records."""

    @property
    def is_behind(self) -> bool:
        """True if a pass takes longer than the interval."""


class SettingView(Protocol):
    """A setting of the server, without secrets."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def value(self) -> str:
        """Its value, as it would be typed."""

    @property
    def origin(self) -> str:
        """Source of the value: option, variable, file or default."""

    @property
    def place(self) -> str:
        """The option, the variable, or the file with the line and the name."""


@dataclass(slots=True)
class StatusSource:
    """Source of what a server knows of itself; its parts are set as the server starts.

    Attributes:
        storage: URL of the storage, without its password.
        not_ready: function that returns why records cannot be acknowledged, empty if they can; must not block.
        self_verification: function that returns the state of self-verification, None if it is off.
        unsigned_streams: streams that are not signed.
        rules_problem: function that returns why the audit rules could not be reloaded, empty if they could; must not
            block.
        usage: function that returns what each tenant has sent since the start; thread-safe, must not block.
        limits: function that returns the limits of a tenant.
        started: start of the server in nanoseconds since the epoch; 0 if that is unknown.
        settings: the settings that the server was started with, without secrets.
        settings_file: path of the settings file; empty if there is none.
    """

    storage: str = ""
    not_ready: Callable[[], str] = str
    self_verification: Callable[[], SelfVerificationView | None] = lambda: None
    unsigned_streams: Sequence[Stream] = ()
    rules_problem: Callable[[], str] = str
    usage: Callable[[], Mapping[str, Usage]] = dict
    limits: Callable[[str], TenantLimits] = lambda _: NO_LIMITS
    started: int = 0
    settings: Sequence[SettingView] = ()
    settings_file: str = ""


def get_status(engine: Engine, keys: Callable[[], TrustedKeys], source: StatusSource) -> pb.GetStatusResponse:
    """Answer ``StatusService.GetStatus``, also while storage cannot be read.

    Args:
        engine: the storage.
        keys: function that returns the trusted public keys; it may raise StorageError.
        source: what the server knows of itself.
    """
    response = pb.GetStatusResponse(
        version=version("lognotary"),
        not_ready=source.not_ready(),
        storage=source.storage,
        audit_rules_problem=source.rules_problem(),
    )
    response.unsigned_streams.extend(stream.value for stream in source.unsigned_streams)
    try:
        info = engine.info
        response.storage = response.storage or info.name
        response.storage_version = ".".join(map(str, info.version))
        with contextlib.suppress(AccessDeniedError):  # a user with the rights of an earlier version
            response.disk_encryption = encryption_of_disks(engine)
        response.logs.extend(list_logs(engine, keys()).logs)
    except StorageError as error:
        response.storage_problem = error.public
    state = source.self_verification()
    if state is not None:
        response.self_verification.CopyFrom(
            pb.SelfVerificationStatus(
                interval_seconds=state.interval,
                findings={kind: count for kind, count in state.findings.items() if count},
                pass_started=_time(state.walk_started),
                pass_finished=_time(state.walk_finished),
                passes=state.walks,
                records=state.records,
                is_behind=state.is_behind,
            )
        )
    return response


def get_settings(source: StatusSource) -> pb.GetSettingsResponse:
    """Answer ``StatusService.GetSettings``."""
    return pb.GetSettingsResponse(
        file=source.settings_file,
        settings=[
            pb.SettingValue(name=each.name, value=each.value, origin=each.origin, place=each.place)
            for each in source.settings
        ],
    )


def _time(seconds: float | None) -> Timestamp | None:
    return None if seconds is None else from_nanos(int(seconds * 10**9))
