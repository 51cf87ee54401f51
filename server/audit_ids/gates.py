"""The gates of all tenants: each has ids of its own, which no other tenant can find out about."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from server.admission.admission import Ticket
from server.audit_ids.checking import RequestChecks
from server.audit_ids.gate import AuditGate
from server.audit_ids.threads import AuditThreads
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.request_look import RequestLook
from server.errors.ingest import ForbiddenStreamError
from server.notary.origin import Stream
from server.pipeline.audit_ingest import AuditReceipt
from server.pipeline.pipeline import Pipeline

__all__ = ["AuditGates"]


class AuditGates:
    """The gates of one process; implements ``AuditIngest``. Bound to one event loop."""

    def __init__(
        self,
        gate_of: Callable[[str, AuditThreads], AuditGate],
        tenants: Iterable[str],
        pipeline: Pipeline,
        look: RequestLook,
        ack_timeout: float,
    ) -> None:
        """Open the gates of tenants; ``run`` must run beside them. Those of others are opened as they are needed.

        Args:
            gate_of: function that makes the gate of a tenant, with the threads of all gates.
            tenants: tenants whose claims an earlier process may have left open, with the default one.
            pipeline: the pipeline, for requests without audit records.
            look: look at requests until ``look_at_requests``; see ``RequestChecks``.
            ack_timeout: seconds that the check of a request may take.
        """
        self._threads = AuditThreads()
        self._checks = RequestChecks(self._threads, look, ack_timeout)
        self._pipeline = pipeline
        self._gate_of = gate_of
        self._gates = {tenant: gate_of(tenant, self._threads) for tenant in tenants}
        self._opened = asyncio.Event()

    async def run(self) -> None:
        """Store what became of claims; never ends."""
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._opened.clear()
                for tenant, gate in self._gates.items():
                    if tenant not in running:
                        running[tenant] = asyncio.create_task(gate.run())
                opened = asyncio.create_task(self._opened.wait())
                try:
                    await asyncio.wait([opened, *running.values()], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    opened.cancel()
                for task in running.values():
                    if task.done():
                        task.result()
        finally:
            for task in running.values():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*running.values(), return_exceptions=True)

    async def flush(self) -> None:
        """Store what became of claims so far; raises StorageError."""
        for gate in self._gates.values():
            await gate.flush()

    def close(self) -> None:
        """End the threads, after ``run`` was cancelled."""
        self._threads.close()

    def look_at_requests(self, look: RequestLook) -> None:
        """Look at the requests that follow with another look."""
        self._checks.look = look

    @property
    def waiting(self) -> int:
        """Number of records on their way, until storage knows what became of their claims."""
        return sum(gate.waiting for gate in self._gates.values())

    @property
    def chain_breaks(self) -> Counter[str]:
        """Number of records so far whose producer's chain is broken, by the kind of break."""
        total: Counter[str] = Counter()
        for gate in self._gates.values():
            total.update(gate.chain_breaks)
        return total

    async def submit_audit(
        self,
        request: bytes,
        ticket: Ticket,
        *,
        every: bool,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> Sequence[AuditReceipt]:
        """As ``AuditIngest.submit_audit``."""
        arrived = asyncio.get_running_loop().time()
        checked = await self._checks.check(request, ticket, every=every)
        if not checked.records:
            await self._pipeline.submit(request, ticket, provenance=provenance, streams=streams)
            return ()
        # Before the receipts of records that are stored already are looked up.
        if streams is not None and Stream.AUDIT not in streams:
            raise ForbiddenStreamError(Stream.AUDIT.value)
        # Only now: a request that is refused leaves nothing of a tenant behind, whose name may be any.
        gate = self._gates.get(provenance.tenant)
        if gate is None:
            gate = self._gates[provenance.tenant] = self._gate_of(provenance.tenant, self._threads)
            self._opened.set()
        return await gate.store(checked, ticket, arrived, provenance, streams)
