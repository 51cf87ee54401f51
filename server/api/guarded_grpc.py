"""Access over gRPC: who calls, whether the call is permitted, and what it may read; before any call is answered."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio

from server.access.chain import AuthenticationChain
from server.access.current import calling
from server.access.errors import AccessError
from server.access.policy import GRPC_RULES, Permission, decide
from server.access.presenting import presented_over_grpc
from server.api.statuses import status_of
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
    ) -> None:
        """Guard a server.

        Args:
            chain: authenticates callers.
            unserved: handler of methods without a rule.
            rules: the permission that each method needs.
            on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
        """
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
        return self._guarded(handler, permission)

    def _guarded(self, handler: Any, permission: Permission) -> Any:
        coding = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            stream = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def guarded_stream(request: Any, context: Any) -> AsyncIterator[Any]:
                async with (
                    self._entered(context, permission),
                    contextlib.aclosing(stream(request, context)) as answers,
                ):
                    async for answer in answers:
                        yield answer

            if handler.request_streaming:
                return grpc.stream_stream_rpc_method_handler(guarded_stream, *coding)
            return grpc.unary_stream_rpc_method_handler(guarded_stream, *coding)
        unary = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def guarded_unary(request: Any, context: Any) -> Any:
            async with self._entered(context, permission):
                return await unary(request, context)

        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(guarded_unary, *coding)
        return grpc.unary_unary_rpc_method_handler(guarded_unary, *coding)

    @contextlib.asynccontextmanager
    async def _entered(self, context: Any, permission: Permission) -> AsyncIterator[None]:
        """Answer a call on behalf of its caller, or refuse it."""
        try:
            presented = presented_over_grpc(
                context.invocation_metadata() or (), context.auth_context() or {}, context.peer()
            )
            caller = await self._chain.authenticate(presented)
            scope = decide(caller, permission)
        except AccessError as error:
            await self._refuse(context, error)
        with calling(caller), reading_as(scope):
            yield

    async def _refuse(self, context: Any, error: AccessError) -> NoReturn:
        self._on_denied(error.denial.value)
        status = status_of(error)
        await context.abort(status.code, status.message)
        raise error  # abort raises
