"""Times as people type them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from server.settings.moments import Moment, parse_moment

NOW = 1_795_843_856 * 10**9


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that sets the local time zone until the end of the test."""

    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield zone
    monkeypatch.undo()
    time.tzset()


def nanos(*parts: int, fraction: int = 0) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 10**9 + fraction  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28T04:00:00Z", nanos(2026, 11, 28, 4)),
        ("2026-11-28t04:00:00z", nanos(2026, 11, 28, 4)),
        ("2026-11-28 04:00Z", nanos(2026, 11, 28, 4)),
        ("2026-11-28 04:00 UTC", nanos(2026, 11, 28, 4)),
        ("2026-11-28T04:00:00+01:00", nanos(2026, 11, 28, 3)),
        ("2026-11-28T04:00:00-0530", nanos(2026, 11, 28, 9, 30)),
        ("2026-11-28T04:00:00+01", nanos(2026, 11, 28, 3)),
        ("2026-11-28T04:00:00.123456789Z", nanos(2026, 11, 28, 4, fraction=123_456_789)),
        ("2026-11-28T04:00:00.5Z", nanos(2026, 11, 28, 4, fraction=500_000_000)),
        ("now", NOW),
        ("90s", NOW - 90 * 10**9),
        ("2h", NOW - 7200 * 10**9),
        ("2h ago", NOW - 7200 * 10**9),
        ("1h30m", NOW - 5400 * 10**9),
        ("250ms", NOW - 250 * 10**6),
        ("1w", NOW - 7 * 86_400 * 10**9),
    ],
)
def test_a_time_with_a_zone_and_an_age_say_what_is_meant(text: str, expected: int) -> None:
    assert parse_moment(text, NOW) == Moment(expected)


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("2026-11-28", nanos(2026, 11, 27, 23), "2026-11-28T00:00:00+01:00 (CET, the local time zone)"),
        ("2026-11-28 04:00", nanos(2026, 11, 28, 3), "2026-11-28T04:00:00+01:00 (CET, the local time zone)"),
        ("2026-11-28T04:00:00", nanos(2026, 11, 28, 3), "2026-11-28T04:00:00+01:00 (CET, the local time zone)"),
        ("2026-07-01", nanos(2026, 6, 30, 22), "2026-07-01T00:00:00+02:00 (CEST, the local time zone)"),
    ],
)
def test_without_a_zone_the_local_one_is_assumed_and_shown(
    in_zone: Callable[[str], None], text: str, expected: int, shown: str
) -> None:
    in_zone("Europe/Berlin")
    assert parse_moment(text) == Moment(expected, shown)


@pytest.mark.parametrize(
    ("text", "day"), [("today", "2026-03-30T00:00:00+02:00 (CEST"), ("Yesterday", "2026-03-29T00:00:00+01:00 (CET")]
)
def test_a_day_by_its_name_begins_at_midnight_in_the_local_zone(
    in_zone: Callable[[str], None], text: str, day: str
) -> None:
    in_zone("Europe/Berlin")  # where summer time began in that night
    moment = parse_moment(text, nanos(2026, 3, 29, 22, 30))
    assert moment.assumed == f"{day}, the local time zone)"
    assert moment.nanos == int(datetime.fromisoformat(day.partition(" ")[0]).timestamp()) * 10**9


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2026", "2026-13-01", "2026-02-30", "2026-11-28T25:00:00Z", "28.11.2026", "3600", "1x"),
        *("-2h", "2026-11-28T04:00:00+25:00", "in 2h", "2h ago ago"),
    ],
)
def test_what_is_no_time_is_refused_with_the_valid_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time: give 2026-11-28, '2026-11-28 04:00', .* or an age such as"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_time_that_no_record_can_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not between 1970 and 2262"):
        parse_moment(text)


def test_an_age_ends_at_1970() -> None:
    assert parse_moment("9999w", NOW).nanos == 0
