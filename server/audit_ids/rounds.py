"""Rounds of claims: the requests that wait at the same time claim their ids together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from server.audit_ids.claims import Claims, Round
from server.errors.ingest import StorageRefusedError
from storage.audit_ids import IdRow
from storage.errors import StorageError

__all__ = ["Rounds"]


@dataclass(slots=True, eq=False)
class _Asking:
    claims: Sequence[IdRow]
    chained: frozenset[bytes]
    previous: frozenset[bytes]
    answer: asyncio.Future[Round] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Rounds:
    """Claims of ids, one round after another; bound to one event loop."""

    def __init__(self, claims: Claims, thread: Executor) -> None:
        """Claim in a thread of an executor."""
        self._claims = claims
        self._thread = thread
        self._waiting: list[_Asking] = []
        self._running: asyncio.Task[None] | None = None

    async def claim(self, claims: Sequence[IdRow], chained: frozenset[bytes], previous: frozenset[bytes]) -> Round:
        """Claim the ids of a request; see ``Claims.claim``.

        Raises:
            StorageRefusedError: storage does not answer; the claims may be there.
        """
        asking = _Asking(claims, chained, previous)
        self._waiting.append(asking)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asking.answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._answer(together)
        finally:
            self._running = None

    async def _answer(self, together: Sequence[_Asking]) -> None:
        work = partial(
            self._claims.claim,
            [claim for asking in together for claim in asking.claims],
            frozenset().union(*(asking.chained for asking in together)),
            frozenset().union(*(asking.previous for asking in together)),
        )
        error: StorageRefusedError | None = None
        answer = Round()
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except StorageError as failure:
            error = StorageRefusedError(f"the ids of audit records cannot be claimed: {failure}", retry_after=2.0)
            error.__cause__ = failure
        except Exception as failure:
            error = StorageRefusedError(f"the ids of audit records cannot be claimed: {failure!r}", retry_after=5.0)
            error.__cause__ = failure
        for asking in together:
            if asking.answer.done():  # its sender has gone
                continue
            if error is not None:
                asking.answer.set_exception(error)
            else:
                asking.answer.set_result(answer)
