"""Access over gRPC: who calls, whether the call is permitted, and what it may read; before any call is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from server.access.authentication import Presented
from server.access.call_rules import GRPC_RULES, Permission
from server.access.chain import AuthenticationChain
from server.access.current import calling
from server.access.errors import AccessError
from server.access.presenting import DIRECT, Presenting, address_of_peer
from server.access_log.actions import GRPC_ACTIONS, UNKNOWN, Action
from server.access_log.calls import RecordedCall, RecordedCalls
from server.access_log.event import Outcome
from server.api.arriving import ArrivingRequests, requests_of_callers, requests_of_strangers
from server.api.entering import let_in
from server.api.errors import ApiError, InvalidArgumentError, UnrecordedError
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
        self._of_callers = requests_of_callers()
        self._of_strangers = requests_of_strangers()

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
        if handler is None:
            return None
        if permission is Permission.OPEN:
            return _open(handler, self._of_strangers)
        return self._guarded(handler, handler_call_details.method, permission)

    def _guarded(self, handler: Any, method: str, permission: Permission) -> Any:
        # For gRPC, every call sends a stream of bytes, so no request is read or parsed before its caller is known. What
        # nobody may send need not be a request, and neither is it an error.
        coding = None, handler.response_serializer
        parse = handler.request_deserializer

        async def read(sent: Any, context: Any, call: RecordedCall | None) -> Any:
            if handler.request_streaming:
                return _read_each(parse, sent, context, call)
            return await _read_one(parse, self._of_callers, context, call)

        if handler.response_streaming:
            stream = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def guarded_stream(sent: Any, context: Any) -> AsyncIterator[Any]:
                async with self._entered(context, method, permission) as call:
                    request = await read(sent, context, call)
                    async with contextlib.aclosing(stream(request, _recorded(call, context))) as answers:
                        await _begin(call, context)
                        async for answer in answers:
                            if call is not None and isinstance(answer, Message):
                                call.answered(answer)
                            yield answer

            return grpc.stream_stream_rpc_method_handler(guarded_stream, *coding)
        unary = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def guarded_unary(sent: Any, context: Any) -> Any:
            async with self._entered(context, method, permission) as call:
                request = await read(sent, context, call)
                await _begin(call, context)
                answer = await unary(request, _recorded(call, context))
                await _keep(call, context, answer)
                return answer

        return grpc.stream_unary_rpc_method_handler(guarded_unary, *coding)

    @contextlib.asynccontextmanager
    async def _entered(self, context: Any, method: str, permission: Permission) -> AsyncIterator[RecordedCall | None]:
        """Answer a call on behalf of its caller, or refuse it; either is recorded."""
        call = self._begun(context, method)
        try:
            caller, scope = await let_in(self._chain, lambda: self._presented(context), permission, call)
        except AccessError as error:
            await self._refuse(_recorded(call, context, error.denial.value), error)
        except NotRecordedError as error:
            await _unrecorded(context, error)
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

    def _presented(self, context: Any) -> Presented:
        metadata, peer = context.invocation_metadata() or (), context.peer()
        return self._presenting.over_grpc(metadata, context.auth_context() or {}, peer)

    async def _refuse(self, context: Any, error: AccessError) -> NoReturn:
        self._on_denied(error.denial.value)
        status = status_of(error)
        await context.abort(status.code, status.message)
        raise error  # abort raises


def _open(handler: Any, arriving: ArrivingRequests) -> Any:
    """Return the handler of a method that needs no credentials, and whose requests arrive within limits."""
    coding = None, handler.response_serializer
    answer = handler.unary_stream if handler.response_streaming else handler.unary_unary

    async def answered(_: Any, context: Any) -> Any:
        return await answer(await _read_one(handler.request_deserializer, arriving, context, None), context)

    if handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(answered, *coding)
    return grpc.stream_unary_rpc_method_handler(answered, *coding)


async def _read_one(
    parse: Callable[[bytes], Any] | None,
    arriving: ArrivingRequests,
    context: Any,
    call: RecordedCall | None,
) -> Any:
    """Return the request of a call that has one; end the call if it does not arrive."""
    try:
        message = await arriving.first(context.read, address_of_peer(context.peer()))
    except ApiError as error:
        await _refused(context, call, error)
    return await _read(parse, message, context, call)


async def _read(parse: Callable[[bytes], Any] | None, sent: Any, context: Any, call: RecordedCall | None) -> Any:
    """Return a request; end the call if it cannot be parsed."""
    try:
        request = sent if parse is None else parse(sent)
    except DecodeError as error:
        await _refused(context, call, InvalidArgumentError(f"the request is malformed: {error}"))
    if call is not None and isinstance(request, Message):
        call.asked(request)
    return request


async def _refused(context: Any, call: RecordedCall | None, error: ApiError) -> NoReturn:
    status = status_of(error)
    await _recorded(call, context).abort(status.code, status.message)
    raise error  # abort raises


async def _read_each(
    parse: Callable[[bytes], Any] | None, sent: Any, context: Any, call: RecordedCall | None
) -> AsyncIterator[Any]:
    """Yield the requests of a stream, each of which is parsed when it is asked for."""
    async for each in sent:
        yield await _read(parse, each, context, call)


class _RecordedContext:
    """Context of a call that is refused only once there is a record of this, if records are required."""

    def __init__(self, call: RecordedCall, context: Any, reason: str) -> None:
        self._call = call
        self._context = context
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        try:
            is_denied = bool(self._reason) or code is grpc.StatusCode.PERMISSION_DENIED
            await self._call.keep(Outcome.DENIED if is_denied else Outcome.FAILED, self._reason or code.name)
        except NotRecordedError as error:
            await _unrecorded(self._context, error)
        await self._context.abort(code, details, trailing_metadata)
        raise AssertionError  # abort raises


def _recorded(call: RecordedCall | None, context: Any, reason: str = "") -> Any:
    """Return a context that records how the call ends if it is aborted; of a refusal, the reason is known."""
    return context if call is None else _RecordedContext(call, context, reason)


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
    """Record that a long answer or a change begins; end the call if that is required and fails."""
    try:
        if call is not None and call.has_begin:
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
