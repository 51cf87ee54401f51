from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.amounts import duration, size, typed_duration, typed_size
from server.settings.values import read_duration, read_size

S = 10**9


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0 µs"),
        (7, "7 ns"),
        (1_234, "1.23 µs"),
        (103_456, "103 µs"),
        (999_499, "999 µs"),
        (11_420_000, "11.4 ms"),
        (2 * S, "2.00 s"),
        (59_400_000_000, "59.4 s"),
        (125 * S, "2 min 05 s"),
        (7_380 * S, "2 h 03 min"),
        (90_000 * S, "1 d 01 h"),
        (-5_000_000, "-5.00 ms"),
    ],
)
def test_a_span_of_time_has_three_digits_and_a_fitting_unit(nanos: int, text: str) -> None:
    assert duration(nanos) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1 << 16, "64 KiB"),
        (10_000_000, "9.5 MiB"),
        (1 << 30, "1 GiB"),
        (3 << 29, "1.5 GiB"),
    ],
)
def test_a_size_has_a_fitting_unit(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(2 << 30, "2GiB"), (10_000_000, "10MB"), (835_715_072, "797MiB"), (1001, "1001")]
)
def test_a_size_is_shown_as_it_would_be_typed(count: int, text: str) -> None:
    assert typed_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250ms"), (1.5, "1500ms"), (90, "90s"), (300, "5m"), (43_200, "12h"), (604_800, "7d")]
)
def test_a_duration_is_shown_as_it_would_be_typed(seconds: float, text: str) -> None:
    assert typed_duration(seconds) == text


@given(st.integers(1, 1 << 50), st.integers(1, 10**9))
def test_what_is_shown_as_typed_is_read_as_the_same(count: int, milliseconds: int) -> None:
    assert read_size(typed_size(count)) == count
    assert read_duration(typed_duration(milliseconds / 1000)) == milliseconds / 1000
