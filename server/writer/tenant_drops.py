"""Orders to let go of a tenant's records: a process that writes logs states that they may be gone.

Only after that, the server deletes them. So no verification, at whatever moment it reads, finds records missing that no
signed statement has let go of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from server.data_dir.drop_orders import DropAnswer, DropOrder, DropOrders
from server.data_dir.errors import DataDirectoryError
from server.errors.base import LognotaryError
from server.process.pools import Pool
from server.retry.trouble import Trouble
from server.writer.owned_log import OwnedLog
from server.writer.signed_stream import SignedStream
from server.writer.storing import StoringWriter
from storage.engine import Engine
from storage.errors import StorageError
from storage.tenant_rows import last_receipt_before

__all__ = ["TenantDrops"]

_logger = logging.getLogger(__name__)

_INTERVAL = 0.3  # seconds between looks
_LOOK_AGAIN = 0.05  # seconds
_LONGEST = 20.0  # seconds that the journal may take to be stored, or the clock to pass the last receipt
_SECOND = 10**9


class _NotYetError(LognotaryError):
    """Records cannot be let go of now."""


@dataclass(frozen=True, slots=True)
class _Log:
    """A log of the tenant, with its stream, and the number of its entries that are let go of."""

    stream: SignedStream
    log: OwnedLog
    size: int


class TenantDrops:
    """Carries out the orders of a server in one of its processes."""

    def __init__(
        self,
        orders: DropOrders,
        writer: str,
        streams: Collection[SignedStream],
        journals: Callable[[], Iterable[StoringWriter]],
        engine: Engine,
        clock: Callable[[], int],
    ) -> None:
        """Prepare to carry out orders.

        Args:
            orders: the orders.
            writer: the writer's name of this process.
            streams: its logs of signed streams.
            journals: returns what stores the records that are acknowledged.
            engine: the storage.
            clock: the time of receipts and statements, in nanoseconds since the epoch.
        """
        self._orders = orders
        self._writer = writer
        self._streams = streams
        self._journals = journals
        self._engine = engine
        self._clock = clock

    async def run(self, pool: Pool) -> None:
        """Carry out orders as they come, with blocking work in threads of a pool; never ends."""
        trouble = Trouble(_logger, "orders to drop data cannot be read", "orders to drop data can be read again")
        while True:
            await asyncio.sleep(_INTERVAL)
            try:
                for order in await pool.run(lambda: self._orders.open(self._writer)):
                    answer = await self._answer(pool, order)
                    await pool.run(lambda order=order, answer=answer: self._orders.answer(order, self._writer, answer))  # type: ignore[misc]
            except DataDirectoryError as error:
                trouble.goes_on(str(error))
            else:
                trouble.ends()

    async def _answer(self, pool: Pool, order: DropOrder) -> DropAnswer:
        try:
            return DropAnswer(await self._let_go(pool, order.tenant))
        except LognotaryError as error:
            _logger.warning("the records of the tenant %s are not let go of: %s", order.tenant, error)
            return DropAnswer(problem=error.public if isinstance(error, StorageError) else str(error))

    async def _let_go(self, pool: Pool, tenant: str) -> Mapping[str, int]:
        """State that the records of a tenant may be gone, in all of its logs; return how many entries of each.

        Raises:
            LognotaryError: not all of that was possible.
        """
        await self._stored()
        logs = await pool.run(lambda: self._logs(tenant))
        received = await pool.run(lambda: max((self._received(each) for each in logs), default=0))
        # A statement has whole seconds, and a record may be gone that is older than one.
        await self._until(received + 2 * _SECOND)
        for each in logs:
            await pool.run(lambda each=each: each.stream.let_go(each.log))  # type: ignore[misc]
        return {each.log.name.origin: each.size for each in logs}

    async def _stored(self) -> None:
        """Wait until all that is acknowledged now is in storage."""
        waiting = [(each, frozenset(each.journal.waiting)) for each in self._journals()]
        waited = 0.0
        while any(numbers & frozenset(each.journal.waiting) for each, numbers in waiting):
            if waited >= _LONGEST:
                raise _NotYetError(
                    "records that were acknowledged are not stored yet: repeat the call once storage accepts them"
                )
            await asyncio.sleep(_LOOK_AGAIN)
            waited += _LOOK_AGAIN

    def _logs(self, tenant: str) -> list[_Log]:
        found = ((stream, stream.stored_log(tenant)) for stream in self._streams)
        return [_Log(stream, log, log.writer.checkpoint.size) for stream, log in found if log is not None]

    def _received(self, each: _Log) -> int:
        return last_receipt_before(self._engine, each.log.name.log_id, each.size)

    async def _until(self, time: int) -> None:
        left = (time - self._clock()) / _SECOND
        if left > _LONGEST:
            raise _NotYetError(
                f"records were received {left:.0f} seconds from now, by the clock of then: repeat the call after that"
            )
        await asyncio.sleep(max(0.0, left))
