"""``lognotary tenants``: the usage of tenants."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import grpc

from lognotary.v1 import status_pb2, status_pb2_grpc
from server.access.tenants import DEFAULT_TENANT
from server.commands.api_client import call, timestamp, to_json
from server.commands.output import Style, say, say_json, shown
from server.errors.amounts import size
from server.notary.counted import counted, entries_of
from server.notary.origin import WHOLE_SERVER

__all__ = ["list_tenants", "tenant_lines"]

_PAGE_SIZE = 1000
_NAMES = {DEFAULT_TENANT: "(default tenant)", WHOLE_SERVER: "(who looked at the whole server)"}


def list_tenants(options: argparse.Namespace) -> int:
    """Show the usage of all tenants that the caller may see; return the exit status."""

    def work(channel: grpc.Channel) -> int:
        answer = _all_pages(status_pb2_grpc.StatusServiceStub(channel), options)
        if options.json:
            say_json(to_json(answer))
            return 0
        style = Style.of(sys.stdout, utc=options.utc)
        say(*style.zone_lines(), *tenant_lines(answer, style))
        return 0

    return call(options.api, work)


def _all_pages(
    server: status_pb2_grpc.StatusServiceStub, options: argparse.Namespace
) -> status_pb2.ListTenantsResponse:
    whole, token = status_pb2.ListTenantsResponse(), ""
    while True:
        page = server.ListTenants(
            status_pb2.ListTenantsRequest(
                since=options.since and timestamp(options.since),
                until=options.until and timestamp(options.until),
                page_size=_PAGE_SIZE,
                page_token=token,
            )
        )
        whole.tenants.extend(page.tenants)
        whole.counted_since.CopyFrom(page.counted_since)
        token = page.next_page_token
        if not token:
            return whole


def tenant_lines(answer: status_pb2.ListTenantsResponse, style: Style) -> Iterator[str]:
    """Format the usage of tenants."""
    answer = shown(answer)
    if not answer.tenants:
        yield "there are no records of a tenant that these credentials may see"
        return
    for tenant in answer.tenants:
        logs = f"{counted(tenant.logs, 'log')} with {entries_of(tenant.entries)}"
        yield f"{_NAMES.get(tenant.name, tenant.name)}  {logs}"
        for stored in tenant.stored:
            times = f"{style.clock(stored.first_received)} to {style.clock(stored.last_received)}"
            yield f"    {stored.stream:11}  {counted(stored.records, 'record')} stored, {times}{_estimate(stored)}"
        sent = f"{counted(tenant.taken_records, 'record')} in {size(tenant.taken_bytes)}"
        yield f"    {'sent':11}  {sent}, {counted(tenant.refused_requests, 'request')} refused{_limits(tenant.limits)}"
    yield f"sent: since the start of the server, {style.clock(answer.counted_since)}"
    yield "stored: with the server's own records, such as those of who looked (audit), which nobody sent"


def _estimate(stored: status_pb2.StoredRecords) -> str:
    if not stored.HasField("estimated_bytes"):
        return ""
    uncompressed = size(stored.estimated_uncompressed_bytes)
    return f", about {size(stored.estimated_bytes)} on disk with indexes ({uncompressed} uncompressed without them)"


def _limits(limits: status_pb2.TenantLimits) -> str:
    texts = []
    if limits.HasField("bytes_per_second"):
        texts.append(f"{size(limits.bytes_per_second)} a second")
    if limits.HasField("records_per_second"):
        texts.append(f"{counted(limits.records_per_second, 'record')} a second")
    if limits.HasField("keys_per_hour"):
        texts.append(f"{counted(limits.keys_per_hour, 'key')} an hour")
    return f"; limits of each process: {', '.join(texts)}" if texts else ""
