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

_LINGER = 0.005  # seconds: senders that were acknowledged together send again together
_MOST_HELD = 2  # rounds whose requests go on together, so that they are in one batch


@dataclass(slots=True, eq=False)
class _Asking:
    claims: Sequence[IdRow]
    links: Sequence[IdRow]
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

    async def claim(self, claims: Sequence[IdRow], links: Sequence[IdRow], previous: frozenset[bytes]) -> Round:
        """Claim the ids of a request; see ``Claims.claim``.

        Raises:
            StorageRefusedError: storage does not answer; the claims may be there.
        """
        asking = _Asking(claims, links, previous)
        self._waiting.append(asking)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asking.answer

    async def _run(self) -> None:
        held: list[tuple[list[_Asking], Round | StorageRefusedError]] = []
        try:
            await asyncio.sleep(_LINGER)
            while self._waiting:
                together = [asking for asking in self._waiting if not asking.answer.done()]  # others have gone
                self._waiting = []
                held.append((together, await self._claim_for(together)))
                if not self._waiting or len(held) == _MOST_HELD:
                    _answer(held)
                    held = []
        finally:
            self._running = None

    async def _claim_for(self, together: Sequence[_Asking]) -> Round | StorageRefusedError:
        work = partial(
            self._claims.claim,
            [claim for asking in together for claim in asking.claims],
            [link for asking in together for link in asking.links],
            frozenset().union(*(asking.previous for asking in together)),
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:
            seconds = 2.0 if isinstance(error, StorageError) else 5.0
            cause = str(error) or type(error).__name__
            refusal = StorageRefusedError(f"the ids of audit records cannot be claimed: {cause}", retry_after=seconds)
            refusal.__cause__ = error
            return refusal


def _answer(held: Sequence[tuple[Sequence[_Asking], Round | StorageRefusedError]]) -> None:
    for together, answer in held:
        for asking in together:
            if asking.answer.done():  # its sender has gone
                continue
            if isinstance(answer, Round):
                asking.answer.set_result(answer)
            else:
                asking.answer.set_exception(answer)
