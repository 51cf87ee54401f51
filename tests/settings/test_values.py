"""Sizes, durations and addresses as people type them."""

from __future__ import annotations

import pytest

from server.settings.values import Address, parse_address, read_days, read_duration, read_interval, read_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1048576", 1 << 20),
        ("512B", 512),
        ("10MB", 10_000_000),
        ("10mb", 10_000_000),
        ("10 MB", 10_000_000),
        ("64KiB", 65_536),
        ("1.5GiB", 3 << 29),
        ("2TB", 2 * 10**12),
    ],
)
def test_a_size_is_bytes_or_has_a_unit(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1e3", "1,000", "10MBs", "10 M B", "nan", "0x10", "0", "0MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|is too small"):
        read_size(text)


@pytest.mark.parametrize("text", ["1k", "2G", "3M", "4t"])
def test_a_unit_that_is_1000_to_some_and_1024_to_others_is_refused_with_both(text: str) -> None:
    with pytest.raises(ValueError, match=f"give {text[0]}{text[1].upper()}B .* or {text[0]}{text[1].upper()}iB"):
        read_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.25", 0.25),
        ("250ms", 0.25),
        ("10s", 10),
        ("10", 10),
        ("5m", 300),
        ("5min", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1W", 604_800),
    ],
)
def test_a_duration_is_seconds_or_has_units(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1x", "1h30", "-5s", "nan", "inf", "1e999", "5 hours", "1d-1h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: give a number of seconds, or a duration such as 250ms"):
        read_duration(text)


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("4w", 28), ("24h", 1), ("1w 1d", 8), ("forever", None)])
def test_retention_is_whole_days(text: str, days: int | None) -> None:
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["36h", "1.5d", "30", "0d", "d", "18251d"])
def test_retention_that_is_not_whole_days_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|is more than|is too short"):
        read_days(text)


def test_an_interval_has_a_unit_or_is_off() -> None:
    assert (read_interval("12h"), read_interval("1w"), read_interval("OFF")) == (43_200, 604_800, None)
    with pytest.raises(ValueError, match="such as 12h, 7d or 1w, or 'off'"):
        read_interval("12")


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":x", "host:65536", "http://host:1", "::1:80", "a b:80", "u@h:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        parse_address(text)


def test_an_address_may_leave_out_the_host_or_have_an_ipv6_one() -> None:
    assert parse_address(":80") == Address("0.0.0.0", 80)
    assert parse_address("[::]:80") == Address("::", 80)


def test_a_number_may_have_as_many_digits_as_programs_print() -> None:
    assert read_interval(f"{1 / 3600}h") == pytest.approx(1)
