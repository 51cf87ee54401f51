"""Disclosures: what commitments in records stand for, and its erasure.

POST /api/v1/disclosures                        Disclose; the request as JSON
POST /api/v1/disclosures/erase                  Erase; the request as JSON
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import grpc.aio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lognotary.v1 import disclosures_pb2 as messages
from lognotary.v1 import disclosures_pb2_grpc
from server.api.disclosed_values import disclosed_values
from server.api.errors import ConflictError, InvalidArgumentError, UnrecordedError
from server.api.grpc_services import Context, answer_call
from server.api.local_callers import address_of_call, check_local, check_on_machine, parse_local
from server.api.responses import json_response
from server.own_records.erasures import Erasure
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from storage.disclosures import erase_disclosures, matching_commitments
from storage.engine import Engine
from storage.held_disclosures import holds_on_values

__all__ = ["Disclosures", "RecordErasure", "add_disclosures", "disclosure_routes"]

RecordErasure = Callable[[Erasure], object]
"""Function that records an erasure in the audit log, or raises NotRecordedError."""

_MOST_TEXT = 1000  # characters


class Disclosures:
    """Disclosures of one storage. Every method blocks, so call it in a thread."""

    def __init__(
        self,
        engine: Engine,
        record: RecordErasure,
        allowed: str,
        changing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Answer from a storage.

        Args:
            engine: the storage.
            record: records an erasure.
            allowed: value of the setting ``administration``.
            changing: excludes changes of legal holds while it is entered.
        """
        self._engine = engine
        self._record = record
        self._allowed = allowed
        self._changing = changing

    def disclose(self, request: messages.DiscloseRequest, caller: str) -> messages.DiscloseResponse:
        """Answer ``Disclose``, which changes nothing; raises ApiError and StorageError."""
        check_on_machine(caller)
        return disclosed_values(self._engine, request)

    def erase(self, request: messages.EraseRequest, caller: str) -> messages.EraseResponse:
        """Answer ``Erase``; raises ApiError and StorageError."""
        check_local(caller, self._allowed)
        kind = request.WhichOneof("what")
        what: str = getattr(request, kind) if kind else ""
        if not kind or not what:
            raise InvalidArgumentError("give an actor or a value to erase")
        reason, who = request.reason.strip(), request.requested_by.strip()
        for name, text in (("reason", reason), ("requested_by", who)):
            if len(text) > _MOST_TEXT:
                raise InvalidArgumentError(f"{name}: give up to {_MOST_TEXT} characters")
            if what in text:
                raise InvalidArgumentError(
                    f"{name}: it contains what is to be erased, and would be signed and kept: "
                    + ("give another reason" if name == "reason" else "let a user with another name ask for it")
                )
        if not reason:
            raise InvalidArgumentError("reason: say why, for the audit record")
        with self._changing():
            return messages.EraseResponse(erased=self._erase(kind, what, reason, who, caller))

    def _erase(self, kind: str, what: str, reason: str, who: str, caller: str) -> int:
        commitments = matching_commitments(self._engine, **{kind: what})
        if not commitments:
            return 0
        actor = what if kind == "actor" else ""
        self._refuse_held(commitments, actor)
        # Recorded first: nothing may be erased without a record. The call can be repeated if the erasure then fails.
        erasure = Erasure(len(commitments), kind, reason, who, caller)
        try:
            self._record(erasure)
        except NotRecordedError as error:
            raise UnrecordedError(
                f"nothing was erased, because the audit log did not take a record of it: {error}"
            ) from error
        # Again: records that were on their way are stored by now, and another server may have added a hold.
        self._refuse_held(commitments, actor)
        erase_disclosures(self._engine, commitments)
        try:
            self._record(replace(erasure, is_done=True))
        except NotRecordedError as error:
            raise UnrecordedError(
                f"{len(commitments)} values were erased, but the audit log only has the record that they were about to "
                f"be: {error}"
            ) from error
        return len(commitments)

    def _refuse_held(self, commitments: Sequence[str], actor: str) -> None:
        if holds := holds_on_values(self._engine, commitments, actor=actor):
            names = ", ".join(hold.name for hold in holds)
            raise ConflictError(
                f"nothing was erased, because {'legal holds keep' if holds[1:] else 'a legal hold keeps'} records that "
                f"have some of these values: {names}. Release {'them' if holds[1:] else 'it'} first"
            )


class _Service(disclosures_pb2_grpc.DisclosureServiceServicer):
    def __init__(self, disclosures: Disclosures, pool: Pool) -> None:
        self._disclosures = disclosures
        self._pool = pool

    async def Disclose(  # noqa: N802 - the name is the API's
        self, request: messages.DiscloseRequest, context: Context
    ) -> messages.DiscloseResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._disclosures.disclose(request, caller))

    async def Erase(  # noqa: N802 - the name is the API's
        self, request: messages.EraseRequest, context: Context
    ) -> messages.EraseResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._disclosures.erase(request, caller))


def add_disclosures(server: grpc.aio.Server, disclosures: Disclosures, pool: Pool) -> None:
    """Add ``DisclosureService`` to a gRPC server."""
    disclosures_pb2_grpc.add_DisclosureServiceServicer_to_server(_Service(disclosures, pool), server)


def disclosure_routes(disclosures: Disclosures, pool: Pool) -> list[Route]:
    """Return the routes, whose blocking calls run in the threads of a pool."""

    async def disclose(request: Request) -> Response:
        call, caller = await parse_local(request, messages.DiscloseRequest())
        return json_response(await pool.run(lambda: disclosures.disclose(call, caller)))

    async def erase(request: Request) -> Response:
        call, caller = await parse_local(request, messages.EraseRequest())
        return json_response(await pool.run(lambda: disclosures.erase(call, caller)))

    return [
        Route("/api/v1/disclosures", disclose, methods=["POST"]),
        Route("/api/v1/disclosures/erase", erase, methods=["POST"]),
    ]
