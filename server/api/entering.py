"""The beginning of a call, over gRPC and HTTP: who calls, and whether the call is permitted."""

from __future__ import annotations

from collections.abc import Callable

from server.access.authentication import Presented
from server.access.call_rules import Permission
from server.access.callers import Caller
from server.access.chain import AuthenticationChain
from server.access.errors import AccessError
from server.access.policy import decide
from server.access_log.calls import RecordedCall
from server.access_log.event import Outcome
from server.own_records.sender import NotRecordedError
from storage.bound import ReadScope

__all__ = ["let_in"]


async def let_in(
    chain: AuthenticationChain,
    presented: Callable[[], Presented],
    permission: Permission | None,
    call: RecordedCall | None,
    *,
    check: Callable[[Presented, Caller], object] = lambda *_: None,
    is_recorded: bool = True,
) -> tuple[Caller, ReadScope]:
    """Return who calls, and what the caller may read.

    Args:
        chain: authenticates callers.
        presented: returns the credentials of the call.
        permission: the permission that the call needs; None if nobody may make it.
        call: record of the call; None if it is not recorded, whether it is refused or not.
        check: function that raises ForbiddenError for what a caller may not present like this.
        is_recorded: False if the call is recorded only if it is refused.

    Raises:
        AccessError: the caller may not make the call; that is not recorded yet.
        NotRecordedError: the call has to be recorded, and cannot be now.
    """
    try:
        given = presented()
        caller = await chain.authenticate(given)
        if call is not None:
            call.let_in(caller)
        check(given, caller)
        scope = decide(caller, permission)
        if call is not None:
            call.check_may_begin() if is_recorded else call.leave_out()
    except (AccessError, NotRecordedError):
        raise
    except BaseException as error:
        if call is not None:
            call.end(Outcome.FAILED, type(error).__name__)
        raise
    return caller, scope
