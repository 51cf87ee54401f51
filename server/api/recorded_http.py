"""Records of calls over HTTP: how an answer ended, from the messages of ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.access_log.actions import HTTP_ACTIONS, UNKNOWN
from server.access_log.calls import RecordedCall, RecordedCalls, recording
from server.access_log.entry import UNRECORDED
from server.access_log.event import Outcome
from server.api.errors import UnrecordedError
from server.api.statuses import status_of
from server.errors.base import LognotaryError
from server.own_records.sender import NotRecordedError

__all__ = ["answer_kept", "answer_recorded", "recorded_call", "refuse_unrecorded"]


class _RefusedError(LognotaryError):
    """The answer was replaced by a refusal, so nobody waits for the rest of it; never leaves this module."""


def recorded_call(
    calls: RecordedCalls, scope: Scope, address: str, route: tuple[str, str] | None, parameters: Mapping[str, Any]
) -> RecordedCall:
    """Return the record of a request.

    Args:
        calls: the records of calls.
        scope: ASGI scope of the request.
        address: IP address of the caller.
        route: its method and route; None if there is none.
        parameters: parameters in its path.
    """
    action = UNKNOWN if route is None else HTTP_ACTIONS.get(route, UNKNOWN)
    traceparents = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
    target = scope["path"] if action is UNKNOWN else parameters.get(action.target, "")
    return calls.begin(action, address, traceparents[0] if traceparents else "", str(target))


async def answer_recorded(app: ASGIApp, call: RecordedCall, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, and record it before the first byte of the answer is sent.

    A long answer is recorded again at its end.
    """
    status, is_complete, is_refused = 0, False, False
    if call.has_begin and not call.action.is_long:  # a change must not be made without a record
        try:
            await call.keep_begin()
        except NotRecordedError as error:
            call.end(Outcome.FAILED, UNRECORDED)
            await refuse_unrecorded(error, scope, receive, send)
            return

    async def send_kept(message: Message) -> None:
        nonlocal status, is_complete, is_refused
        if is_refused:
            raise _RefusedError
        if message["type"] == "http.response.start":
            status = message["status"]
            try:
                if call.action.is_long and status < 400:
                    await call.keep_begin()
                else:
                    await call.keep(_outcome(status), _reason(status))
            except NotRecordedError as error:
                is_refused = True
                await refuse_unrecorded(error, scope, receive, send)
                raise _RefusedError from error
        is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    try:
        with recording(call):
            await app(scope, receive, send_kept)
    except asyncio.CancelledError:
        _leave(call)
        raise
    except Exception as error:
        call.end(Outcome.FAILED, UNRECORDED if is_refused else type(error).__name__)
        if not is_refused:
            raise
    else:
        if is_complete:
            call.end(_outcome(status), _reason(status))
        else:
            _leave(call)


def answer_kept(answer: Response, call: RecordedCall | None, outcome: Outcome, reason: str) -> ASGIApp:
    """Return an application that gives an answer once there is a record of the call, if that is required.

    Args:
        answer: the answer.
        call: the record of the call; None to record nothing.
        outcome: what became of the call.
        reason: why.
    """

    async def kept(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if call is not None:
                await call.keep(outcome, reason)
        except NotRecordedError as error:
            await refuse_unrecorded(error, scope, receive, send)
        else:
            await answer(scope, receive, send)

    return kept


def _leave(call: RecordedCall) -> None:
    call.end(Outcome.SUCCESS if call.action.is_endless else Outcome.FAILED, "the caller left")


def _outcome(status: int) -> Outcome:
    if status < 400:
        return Outcome.SUCCESS
    return Outcome.DENIED if status in (401, 403) else Outcome.FAILED


def _reason(status: int) -> str:
    return f"HTTP {status}" if status >= 400 else ""


async def refuse_unrecorded(error: NotRecordedError, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request because there is no record of it."""
    status = status_of(UnrecordedError(str(error)))
    content = json.dumps({"code": status.code.name, "message": status.message})
    headers = {"Cache-Control": "no-store"}
    await Response(content, status.http_status, headers, media_type="application/json")(scope, receive, send)
