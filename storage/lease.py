"""Fencing: a server that has lost the lease on its writer's name can no longer commit.

A lease is renewed periodically, but a server may be cut off from storage, or be suspended, for longer than the lease
lasts. So each insert of a fenced engine first checks, by a clock of this machine, whether the lease was renewed
recently. If not, the lease is renewed before anything is sent, which shows whether another server has taken it over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from storage.engine import Engine, EngineWrapper
from storage.errors import LeaseLostError, NotAppliedError, StorageError
from storage.writers import LEASE, RENEWAL, Held, WriterName, claim, release, renew

__all__ = ["FRESH", "FencedEngine", "Lease", "boot_clock", "claim_lease"]

FRESH = LEASE - RENEWAL
"""Seconds after a renewal for which inserts may be sent; the rest of the lease is the time that they may take."""


def boot_clock() -> float:
    """Return the seconds since boot, including the time in suspend, during which a lease expires too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """The lease on a writer's name; thread-safe."""

    def __init__(
        self,
        engine: Engine,
        name: WriterName,
        held: Held,
        renewed_at: float,
        on_lost: Callable[[LeaseLostError], None],
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        """Hold a lease that ``claim`` has acquired.

        Args:
            engine: the storage.
            name: name of the writer.
            held: return value of ``claim``.
            renewed_at: time by ``clock`` before ``claim`` was called.
            on_lost: function that is called once, in any thread, if another server has taken the name over.
            clock: monotonic clock in seconds.
        """
        self._engine = engine
        self._name = name
        self._held = held
        self._renewed_at = renewed_at
        self._on_lost = on_lost
        self._clock = clock
        self._renewing = threading.Lock()
        self._lost = ""

    @property
    def lost(self) -> LeaseLostError | None:
        """The error that names the server that has taken the name over; None while the lease is held."""
        return LeaseLostError(self._lost) if self._lost else None

    def renew(self) -> None:
        """Renew the lease.

        Raises:
            LeaseLostError: another server has taken the name over.
            StorageError: storage cannot be reached.
        """
        with self._renewing:
            self._renew()

    def check(self) -> None:
        """Check that inserts may be sent now; renew the lease first if its last renewal is not recent.

        Raises:
            LeaseLostError: another server has taken the name over.
            NotAppliedError: the lease cannot be renewed now, or not soon enough.
        """
        if not self._is_fresh():
            with self._renewing:
                if not self._is_fresh():  # another thread may have renewed it meanwhile
                    self._renew_before_insert()
        if self._lost:
            raise LeaseLostError(self._lost)

    def release(self) -> None:
        """Release the lease; raises StorageError."""
        release(self._engine, self._name)

    def _is_fresh(self) -> bool:
        return bool(self._lost) or self._clock() - self._renewed_at < FRESH

    def _renew_before_insert(self) -> None:
        began = self._clock()
        try:
            self._renew()
        except LeaseLostError:
            raise
        except StorageError as error:
            raise NotAppliedError(f"the lease on the writer's name cannot be renewed: {error}") from error
        if not self._is_fresh():  # it counts from when it was sent, and may have run out before the answer came
            raise NotAppliedError(
                f"the lease on the writer's name cannot be renewed: storage took {self._clock() - began:.0f} seconds "
                f"for it, and a renewal is valid for {FRESH:.0f} seconds"
            )

    def _renew(self) -> None:
        if self._lost:
            raise LeaseLostError(self._lost)
        began = self._clock()
        try:
            self._held = renew(self._engine, self._name, self._held)
        except LeaseLostError as error:
            self._lost = str(error)
            self._on_lost(error)
            raise
        self._renewed_at = began


def claim_lease(
    engine: Engine,
    name: WriterName,
    on_lost: Callable[[LeaseLostError], None],
    clock: Callable[[], float] = boot_clock,
) -> Lease:
    """Claim a writer's name, as a new instance. Args as ``Lease``; raises as ``claim``."""
    name = replace(name, instance=uuid4())
    began = clock()
    return Lease(engine, name, claim(engine, name), began, on_lost, clock)


class FencedEngine(EngineWrapper):
    """An engine that checks a lease before it sends an insert, and sends nothing if the lease is lost.

    Statements are sent without the check, because they do not write to logs.
    """

    def __init__(self, engine: Engine, lease: Lease) -> None:
        """Fence an engine with a lease."""
        super().__init__(engine)
        self._lease = lease

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """Insert a block if the lease is held.

        Raises:
            LeaseLostError: another server has taken the writer's name over.
            NotAppliedError, OutcomeUnknownError: as the underlying engine; NotAppliedError also if the lease cannot be
                renewed now.
        """
        self._lease.check()
        super().insert(table, columns, block, token)
