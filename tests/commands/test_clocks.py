"""Times of answers and of options: in the local time zone, or in UTC."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from server.cli import build_parser
from server.commands.clocks import clock, zone_lines
from server.settings.moments import parse_moment

WINTER, SUMMER = 1_795_824_000, 1_782_864_000  # 2026-11-28 and 2026-07-01, at midnight in UTC


@pytest.fixture
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


BERLIN, BOSTON, LONDON = "Europe/Berlin", "America/New_York", "Europe/London"


@pytest.mark.parametrize(
    ("_zone", "seconds", "nanos", "local", "in_utc"),
    [
        (BERLIN, WINTER, 5 * 10**6, "2026-11-28T01:00:00.005+01:00", "2026-11-28T00:00:00.005Z"),
        (BERLIN, SUMMER, 0, "2026-07-01T02:00:00+02:00", "2026-07-01T00:00:00Z"),
        (BOSTON, WINTER, 1, "2026-11-27T19:00:00.000000001-05:00", "2026-11-28T00:00:00.000000001Z"),
        (LONDON, WINTER, 0, "2026-11-28T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("UTC", WINTER, 0, "2026-11-28T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("Asia/Kolkata", WINTER, 0, "2026-11-28T05:30:00+05:30", "2026-11-28T00:00:00Z"),
        ("Asia/Kolkata", 253_402_300_799, 0, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
    indirect=["_zone"],
)
@pytest.mark.usefixtures("_zone")
def test_a_time_has_the_offset_of_its_zone(seconds: int, nanos: int, local: str, in_utc: str) -> None:
    moment = Timestamp(seconds=seconds, nanos=nanos)
    assert clock(moment, utc=False) == local
    assert clock(moment, utc=True) == in_utc
    assert seconds > 1 << 33 or parse_moment(local).nanos == parse_moment(in_utc).nanos


@pytest.mark.parametrize(
    ("_zone", "begin"),
    [
        ("UTC", []),
        (BERLIN, ["times are local (CET/CEST, now +0"]),
        ("Asia/Kolkata", ["times are local (IST, now +05:30"]),
    ],
    indirect=["_zone"],
)
@pytest.mark.usefixtures("_zone")
def test_the_zone_is_named_unless_it_is_utc(begin: list[str]) -> None:
    assert [line[: len(start)] for line, start in zip(zone_lines(utc=False), begin, strict=True)] == begin
    assert list(zone_lines(utc=True)) == []


@pytest.mark.parametrize("_zone", [BERLIN], indirect=True)
@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize(("utc", "hours"), [([], 1), (["--utc"], 0)])
def test_times_without_a_zone_are_read_in_the_zone_in_which_times_are_shown(utc: list[str], hours: int) -> None:
    def since(*words: str) -> int:
        return int(build_parser(words[0]).parse_args([*words, *utc]).since.nanos)

    assert since("audit", "--since", "2025-11-28") == (WINTER - 365 * 86_400 - hours * 3600) * 10**9
    assert since("verify", "--since", "2025-11-28 01:00Z") == (WINTER - 365 * 86_400 + 3600) * 10**9
    assert (since("search", "--since", "yesterday") // 10**9 + hours * 3600) % 86_400 in (0, 82_800)
    parser = build_parser("verify")
    options = parser.parse_args(["verify", "--compromised", "0123456789abcdef=2025-11-28", *utc])
    assert options.compromised[0][1].nanos == (WINTER - 365 * 86_400 - hours * 3600) * 10**9
