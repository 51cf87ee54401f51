"""Usage of each tenant: what it has sent since the start, what is stored, and its limits. No content of any record."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping

from lognotary.v1 import status_pb2 as pb
from server.admission.tenant_limits import Usage
from server.api.errors import InvalidArgumentError
from server.api.messages import from_nanos
from server.api.server_status import StatusSource
from server.api.time_ranges import parse_time_range
from server.notary.origin import Stream
from server.query.limits import LimitedEngine, QueryLimits
from storage.bound import scope_if_any
from storage.engine import Engine
from storage.errors import AccessDeniedError
from storage.tenant_usage import (
    RowsOfTenant,
    TableSize,
    TenantPage,
    read_logs_of_tenants,
    read_rows_of_tenants,
    read_table_sizes,
)

__all__ = ["list_tenants"]

_LIMITS = QueryLimits()
_PAGE_SIZE, _LARGEST = 1000, 5000
_LONGEST_TOKEN = 1024
_NO_USAGE = Usage()


def list_tenants(
    engine: Engine, source: StatusSource, request: pb.ListTenantsRequest, limits: QueryLimits = _LIMITS
) -> pb.ListTenantsResponse:
    """Answer ``StatusService.ListTenants``, with the tenants that the caller may see.

    Args:
        engine: the storage.
        source: what the server knows of itself.
        request: the request.
        limits: limits of the statements.

    Raises:
        InvalidArgumentError: the range of time or the page token cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    since, until = parse_time_range(request)
    after = _parse_token(request.page_token) if request.page_token else None
    size = min(request.page_size or _PAGE_SIZE, _LARGEST)
    page = TenantPage(after, size + 1)
    limited = LimitedEngine(engine, limits)
    taken = _visible_usage(source.usage(), after)
    stored = {stream: read_rows_of_tenants(limited, stream, page, since, until) for stream in Stream}
    logs = read_logs_of_tenants(limited, page)
    # Each source has its own first tenants, so the first of all of them are among these.
    names = sorted({*taken, *logs, *(name for rows in stored.values() for name in rows)})
    sizes = _table_sizes(limited)
    response = pb.ListTenantsResponse(counted_since=from_nanos(source.started) if source.started else None)
    for name in names[:size]:
        usage, own, most = taken.get(name, _NO_USAGE), logs.get(name), source.limits(name)
        tenant = response.tenants.add(
            name=name,
            taken_records=usage.records,
            taken_bytes=usage.size,
            refused_requests=usage.refused,
            limits=pb.TenantLimits(
                bytes_per_second=most.size, records_per_second=most.records, keys_per_hour=most.keys
            ),
        )
        if own is not None:
            tenant.logs, tenant.entries = own.count, own.entries
        tenant.stored.extend(_stored(name, stored, sizes))
    if len(names) > size:
        response.next_page_token = base64.urlsafe_b64encode(names[size - 1].encode()).decode()
    return response


def _visible_usage(usage: Mapping[str, Usage], after: str | None) -> dict[str, Usage]:
    """Return the usage of tenants after a name that the caller may see."""
    scope = scope_if_any()
    visible = None if scope is None else scope.tenants
    return {
        name: used
        for name, used in usage.items()
        if (visible is None or name in visible) and (after is None or name > after)
    }


def _table_sizes(engine: Engine) -> Mapping[Stream, TableSize]:
    """Return the sizes of tables, none if the caller may not see all tenants: they tell of the records of others."""
    scope = scope_if_any()
    if scope is not None and scope.tenants is not None:
        return {}
    try:
        return read_table_sizes(engine)
    except AccessDeniedError:  # a user with the rights of an earlier version
        return {}


def _stored(
    name: str, stored: Mapping[Stream, Mapping[str, RowsOfTenant]], sizes: Mapping[Stream, TableSize]
) -> Iterator[pb.StoredRecords]:
    for stream, of_tenants in stored.items():
        rows = of_tenants.get(name)
        if rows is None:
            continue
        message = pb.StoredRecords(
            stream=stream.value,
            records=rows.count,
            first_received=from_nanos(rows.first),
            last_received=from_nanos(rows.last),
        )
        if (table := sizes.get(stream)) is not None:
            message.estimated_bytes = rows.count * table.stored // table.rows
            message.estimated_uncompressed_bytes = rows.count * table.uncompressed // table.rows
        yield message


def _parse_token(token: str) -> str:
    try:
        return base64.b64decode(token[:_LONGEST_TOKEN], altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise InvalidArgumentError("the page token is not one that this server gave out for such a call") from error
