"""Lines of ``lognotary tenants list``."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import status_pb2 as pb
from server.commands.output import Style
from server.commands.tenants import tenant_lines

PLAIN = Style(colour=False)


def test_usage_of_tenants_is_shown_with_estimates_named_as_such() -> None:
    stored = pb.StoredRecords(
        stream="audit",
        records=1234,
        first_received=Timestamp(seconds=1),
        last_received=Timestamp(seconds=2),
        estimated_bytes=2048,
        estimated_uncompressed_bytes=1 << 20,
    )
    spans = pb.StoredRecords(stream="spans", records=1)
    limits = pb.TenantLimits(bytes_per_second=1 << 20, records_per_second=100, keys_per_hour=1)
    acme = pb.Tenant(
        name="acme", logs=2, entries=1300, stored=[stored, spans], taken_records=9, taken_bytes=100, refused_requests=1
    )
    acme.limits.CopyFrom(limits)
    answer = pb.ListTenantsResponse(
        tenants=[pb.Tenant(), pb.Tenant(name="*", logs=1, entries=1), acme], counted_since=Timestamp(seconds=3)
    )
    assert list(tenant_lines(answer, PLAIN)) == [
        "(default tenant)  0 logs with 0 entries",
        "    sent         0 records in 0 bytes, 0 requests refused",
        "(who looked at the whole server)  1 log with 1 entry",
        "    sent         0 records in 0 bytes, 0 requests refused",
        "acme  2 logs with 1,300 entries",
        "    audit        1,234 records stored, 1970-01-01T00:00:01Z to 1970-01-01T00:00:02Z, about 2 KiB on "
        "disk with indexes (1 MiB uncompressed without them)",
        "    spans        1 record stored, 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z",
        "    sent         9 records in 100 bytes, 1 request refused; limits of each process: 1 MiB a second, 100 "
        "records a second, 1 key an hour",
        "sent: since the start of the server, 1970-01-01T00:00:03Z",
        "stored: with the server's own records, such as those of who looked (audit), which nobody sent",
    ]


def test_a_name_cannot_change_the_terminal() -> None:
    answer = pb.ListTenantsResponse(tenants=[pb.Tenant(name="a\x1b[31m\nb")])
    assert not any("\x1b" in line or "\n" in line for line in tenant_lines(answer, PLAIN))


def test_without_tenants_a_sentence_says_so() -> None:
    (line,) = tenant_lines(pb.ListTenantsResponse(), PLAIN)
    assert line.startswith("there are no records")
