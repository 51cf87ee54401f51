"""Access over gRPC: who calls, whether the call is permitted, and what it may read; before any call is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import Message

from server.access.chain import AuthenticationChain
from server.access.current import calling
from server.access.errors import AccessError
from server.access.policy import GRPC_RULES, Permission, decide
from server.access.presenting import DIRECT, Presenting
from server.access_log.actions import GRPC_ACTIONS, UNKNOWN, Action
from server.access_log.calls import RecordedCall, RecordedCalls
from server.access_log.event import Outcome
from server.api.errors import UnrecordedError
from server.api.statuses import status_of
from server.own_records.sender import NotRecordedError
from storage.bound import reading_as

__all__ = ["GuardedCalls"]


class GuardedCalls(grpc.aio.ServerInterceptor):
    """Interceptor that answers only calls that their callers may make; the first of a server's interceptors.

    A method without a rule is not reached, whoever calls: it is refused as a method that does not exist.
    """

    def __init__(
        self,
        chain: AuthenticationChain,
        unserved: grpc.GenericRpcHandler,
        rules: Mapping[str, Permission] = GRPC_RULES,
        on_denied: Callable[[str], object] = lambda _: None,
        recorded: RecordedCalls | None = None,
        presenting: Presenting = DIRECT,
    ) -> None:
        """Guard a server.

        Args:
            chain: authenticates callers.
            unserved: handler of methods without a rule.
            rules: the permission that each method needs.
            on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
            recorded: records of calls; None to record none.
            presenting: places in which calls present credentials.
        """
        self._presenting = presenting
        self._recorded = recorded
        self._chain = chain
        self._unserved = unserved
        self._rules = rules
        self._on_denied = on_denied

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the handler of a call, guarded."""
        permission = self._rules.get(handler_call_details.method)
        if permission is None:
            handler: Any = self._unserved.service(handler_call_details)
            permission = Permission.ANYBODY
        else:
            handler = await continuation(handler_call_details)
        if handler is None or permission is Permission.OPEN:
            return handler
        return self._guarded(handler, handler_call_details.method, permission)

    def _guarded(self, handler: Any, method: str, permission: Permission) -> Any:
        coding = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            stream = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def guarded_stream(request: Any, context: Any) -> AsyncIterator[Any]:
                async with (
                    self._entered(context, method, permission, request) as call,
                    contextlib.aclosing(stream(request, context)) as answers,
                ):
                    await _begin(call, context)
                    async for answer in answers:
                        if call is not None and isinstance(answer, Message):
                            call.answered(answer)
                        yield answer

            if handler.request_streaming:
                return grpc.stream_stream_rpc_method_handler(guarded_stream, *coding)
            return grpc.unary_stream_rpc_method_handler(guarded_stream, *coding)
        unary = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def guarded_unary(request: Any, context: Any) -> Any:
            async with self._entered(context, method, permission, request) as call:
                answer = await unary(request, context)
                await _keep(call, context, answer)
                return answer

        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(guarded_unary, *coding)
        return grpc.unary_unary_rpc_method_handler(guarded_unary, *coding)

    @contextlib.asynccontextmanager
    async def _entered(
        self, context: Any, method: str, permission: Permission, request: Any
    ) -> AsyncIterator[RecordedCall | None]:
        """Answer a call on behalf of its caller, or refuse it; either is recorded."""
        call = self._begun(context, method)
        try:
            presented = self._presenting.over_grpc(
                context.invocation_metadata() or (), context.auth_context() or {}, context.peer()
            )
            caller = await self._chain.authenticate(presented)
            if call is not None:
                call.let_in(caller)
            scope = decide(caller, permission)
            if call is not None:
                call.check_may_begin()
        except AccessError as error:
            if call is not None:
                call.end(Outcome.DENIED, error.denial.value)
            await self._refuse(context, error)
        except NotRecordedError as error:
            await _unrecorded(context, error)
        except BaseException as error:
            if call is not None:
                call.end(Outcome.FAILED, type(error).__name__)
            raise
        if call is not None and isinstance(request, Message):
            call.asked(request)
        with calling(caller), reading_as(scope), _ended(call, context):
            yield call

    def _begun(self, context: Any, method: str) -> RecordedCall | None:
        if self._recorded is None:
            return None
        metadata = context.invocation_metadata() or ()
        traceparent = next((value for key, value in metadata if key == "traceparent" and isinstance(value, str)), "")
        action = GRPC_ACTIONS.get(method, UNKNOWN)
        address = self._presenting.address_over_grpc(metadata, context.peer())
        return self._recorded.begin(action, address, traceparent, _path(action, method))

    async def _refuse(self, context: Any, error: AccessError) -> NoReturn:
        self._on_denied(error.denial.value)
        status = status_of(error)
        await context.abort(status.code, status.message)
        raise error  # abort raises


def _path(action: Action, method: str) -> str:
    return method if action is UNKNOWN else ""


@contextlib.contextmanager
def _ended(call: RecordedCall | None, context: Any) -> Iterator[None]:
    """Record how a call ended, unless that is done in the block."""
    if call is None:
        yield
        return
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        call.end(Outcome.SUCCESS if call.action.is_endless else Outcome.FAILED, "the caller left")
        raise
    except BaseException as error:
        code = context.code()
        name = code.name if isinstance(code, grpc.StatusCode) else type(error).__name__
        call.end(Outcome.DENIED if name == "PERMISSION_DENIED" else Outcome.FAILED, name)
        raise
    else:
        call.end(Outcome.SUCCESS)


async def _begin(call: RecordedCall | None, context: Any) -> None:
    """Record that a long answer begins; end the call if that is required and fails."""
    try:
        if call is not None and call.action.is_long:
            await call.keep_begin()
    except NotRecordedError as error:
        await _unrecorded(context, error)


async def _keep(call: RecordedCall | None, context: Any, answer: Any) -> None:
    """Record a call before its answer is given; end the call if that is required and fails."""
    if call is None:
        return
    if isinstance(answer, Message):
        call.answered(answer)
    try:
        await call.keep(Outcome.SUCCESS)
    except NotRecordedError as error:
        await _unrecorded(context, error)


async def _unrecorded(context: Any, error: NotRecordedError) -> NoReturn:
    status = status_of(UnrecordedError(str(error)))
    await context.abort(status.code, status.message)
    raise error  # abort raises
