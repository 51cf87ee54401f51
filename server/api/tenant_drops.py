"""Dropping the data of a tenant, alone: its logs let go of the records first, then the rows are deleted.

POST /api/v1/tenants/{tenant}/drop              DropTenant; the rest of the request as JSON

What is left of the tenant has no content of any record: the signed hashes of its logs, and the log of who looked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from lognotary.v1 import administration_pb2 as messages
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.api.errors import ConflictError, InvalidArgumentError, NotFoundError, UnrecordedError
from server.api.given_texts import given_text, optional_text
from server.api.local_callers import check_local
from server.data_dir.drop_orders import DropOrder, DropOrders
from server.data_dir.errors import DataDirectoryError
from server.notary.counted import counted
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.own_records.administration import PolicyChange
from server.own_records.sender import NotRecordedError
from storage.audit_ids import TABLE as IDS
from storage.engine import Engine
from storage.errors import AccessDeniedError
from storage.holds import Hold, read_holds
from storage.schema import RECORD_TABLES
from storage.tenant_rows import DroppedRows, count_in_logs, count_rows, delete_rows, has_rows_in, origins_of_tenant

__all__ = ["TENANT_DROPPED", "TenantDrops"]

TENANT_DROPPED = "tenant.drop"
"""Action of the audit records."""

_LONGEST = 60.0  # seconds that the processes that write logs may take
_BETWEEN = 0.1  # seconds


class TenantDrops:
    """Drops data of tenants from one storage. Every method blocks, so call it in a thread."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[PolicyChange], object],
        allowed: str,
        changing: Callable[[], AbstractContextManager[None]],
        orders: DropOrders,
        writers: Collection[str],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Drop data from a storage.

        Args:
            engine: the storage.
            record: records a change in the audit log, or raises NotRecordedError.
            allowed: value of the setting ``administration``.
            changing: excludes changes of legal holds while it is entered.
            orders: orders to the processes of this server that write logs.
            writers: the writers' names of these processes.
            wait: waits for a number of seconds.
        """
        self._engine = engine
        self._record = record
        self._allowed = allowed
        self._changing = changing
        self._orders = orders
        self._writers = frozenset(writers)
        self._wait = wait

    def drop(self, request: messages.DropTenantRequest, caller: str) -> messages.DropTenantResponse:
        """Answer ``DropTenant``; raises ApiError and StorageError."""
        check_local(caller, self._allowed)
        tenant = _tenant(request.tenant)
        reason, actor = given_text("reason", request.reason), optional_text("actor", request.actor)
        with self._changing():
            until = time.time_ns()
            self._check_stored(tenant, until)
            self._refuse_held(tenant)
            about = f"the data of the tenant {tenant} are about to be dropped"
            change = PolicyChange(TENANT_DROPPED, tenant, "tenant", actor, caller, about, reason, is_done=False)
            # Recorded before, as nothing may be dropped without a record; and after, as the deletion may fail.
            try:
                self._record(change)
            except NotRecordedError as error:
                raise UnrecordedError(
                    f"nothing was dropped, because the audit log did not take a record of it: {error}"
                ) from error
            rows = DroppedRows(tenant, self._let_go(tenant), until)
            # Again: records that were on their way are stored by now, and another server may have added a hold.
            self._refuse_held(tenant)
            counts = count_rows(self._engine, rows)
            self._delete(rows)
            kept = self._others(tenant)
            answer = _answer(rows, counts, kept)
            try:
                self._record(_done(change, answer, counts))
            except NotRecordedError as error:
                raise UnrecordedError(
                    f"the data of the tenant {tenant} were dropped, but the audit log only has the record that they "
                    f"were about to be: {error}"
                ) from error
            return answer

    def _delete(self, rows: DroppedRows) -> None:
        """Delete rows.

        Raises:
            ConflictError: the server's user of ClickHouse may not delete records.
            StorageError: the deletion has not come to its end.
        """
        try:
            delete_rows(self._engine, rows, self._wait)
        except AccessDeniedError as error:
            raise ConflictError(
                "the rows were not deleted, because the server's user of ClickHouse may not delete records (lognotary "
                "grants leaves that out on purpose). Let an administrator grant ALTER DELETE on "
                f"{', '.join(rows.conditions())} to this user, repeat the call, and revoke the right: {error.public}"
            ) from error

    def _check_stored(self, tenant: str, until: int) -> None:
        """Check that there is something that this server may drop.

        Raises:
            NotFoundError: the tenant has nothing in storage.
            ConflictError: all that it has is in logs of other writers.
        """
        logs = [name for name in self._logs(tenant) if not name.access]
        if any(name.writer in self._writers for name in logs):
            return
        if any(count_rows(self._engine, DroppedRows(tenant, {}, until)).values()):
            return
        if not logs:
            raise NotFoundError(f"the tenant {tenant} has no records in storage")
        raise ConflictError(f"nothing was dropped: {_of_others([name.origin for name in logs])}")

    def _refuse_held(self, tenant: str) -> None:
        kept = [name.log_id for name in self._logs(tenant) if name.access]
        holds: list[Hold] = [
            hold
            for hold in read_holds(self._engine)
            if hold.released is None and has_rows_in(self._engine, tenant, hold.scope, kept)
        ]
        if holds:
            them = "them" if holds[1:] else "it"
            raise ConflictError(
                f"nothing was dropped, because {'legal holds keep' if holds[1:] else 'a legal hold keeps'} records of "
                f"the tenant {tenant}: {', '.join(hold.name for hold in holds)}. Release {them} first"
            )

    def _let_go(self, tenant: str) -> dict[str, int]:
        """Have the logs of this server let go of a tenant's records; return how many entries of each.

        Raises:
            UnrecordedError: not all of them did.
        """
        try:
            order = self._orders.give(tenant)
            try:
                return self._answered(order)
            finally:
                self._orders.end(order)
        except DataDirectoryError as error:
            raise UnrecordedError(f"nothing was dropped: {error}") from error

    def _answered(self, order: DropOrder) -> dict[str, int]:
        waited = 0.0
        while missing := self._writers - self._orders.answers(order).keys():
            if waited >= _LONGEST:
                raise UnrecordedError(
                    f"nothing was dropped, because not all processes of this server have answered after {_LONGEST:.0f} "
                    f"seconds ({', '.join(sorted(missing))}): repeat the call once the server is ready"
                )
            self._wait(_BETWEEN)
            waited += _BETWEEN
        answers = self._orders.answers(order).values()
        if problems := sorted({answer.problem for answer in answers if answer.problem}):
            raise UnrecordedError(f"nothing was dropped: {'; '.join(problems)}")
        return {origin: size for answer in answers for origin, size in answer.sizes.items()}

    def _logs(self, tenant: str) -> list[LogName]:
        """Return the logs of a tenant that have entries, also those of who looked."""
        names = (_log_name(origin) for origin in origins_of_tenant(self._engine, tenant))
        return [name for name in names if name is not None]

    def _others(self, tenant: str) -> list[str]:
        """Return the logs of a tenant with stored records that no process of this server writes."""
        logs = (name for name in self._logs(tenant) if not name.access)
        others = [name.origin for name in logs if name.writer not in self._writers]
        return [origin for origin, count in count_in_logs(self._engine, tenant, others).items() if count]


def _log_name(origin: str) -> LogName | None:
    try:
        return LogName.parse(origin)
    except MalformedError:  # others can write anything into storage; verification reports it
        return None


def _tenant(name: str) -> str:
    if name == DEFAULT_TENANT:
        raise InvalidArgumentError(
            "tenant: it is missing. The default tenant, which has no name, cannot be dropped: its logs also have the "
            "records of what the server itself did"
        )
    try:
        return check_tenant(name)
    except MalformedError as error:
        raise InvalidArgumentError(f"tenant: {error}") from error


def _of_others(origins: Sequence[str]) -> str:
    return (
        "other servers write these logs, or processes that this server no longer has: "
        f"{', '.join(origins)}. Make the call to each server, and start this one with as many workers as it had before"
    )


def _answer(rows: DroppedRows, counts: Mapping[str, int], kept: Sequence[str]) -> messages.DropTenantResponse:
    return messages.DropTenantResponse(
        tenant=rows.tenant,
        audit_records=counts[RECORD_TABLES[Stream.AUDIT]],
        operational_records=counts[RECORD_TABLES[Stream.OPERATIONAL]],
        spans=counts[RECORD_TABLES[Stream.SPANS]],
        disclosed_values=counts["disclosures"],
        audit_record_ids=counts[IDS],
        logs=[messages.DroppedLog(origin=origin, entries=size) for origin, size in sorted(rows.sizes.items())],
        kept_logs=kept,
    )


def _done(change: PolicyChange, answer: messages.DropTenantResponse, counts: Mapping[str, int]) -> PolicyChange:
    records = answer.audit_records + answer.operational_records + answer.spans
    what = f"{counted(records, 'record')} of the tenant {answer.tenant} dropped"
    details: dict[str, str | int] = {
        "lognotary.record.count": records,
        "lognotary.dropped.logs": ", ".join(f"{log.origin} {log.entries}" for log in answer.logs),
        "lognotary.kept.logs": ", ".join(answer.kept_logs),
        **{f"lognotary.dropped.{table}": count for table, count in counts.items()},
    }
    return replace(change, what=what, details=details, is_done=True)
