"""Pace of logins."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from server.login.errors import TooManyLoginsError
from server.login.pace import Pace


def test_an_address_has_a_number_of_logins_at_once_and_in_a_minute() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(pace.one("2001:db8::1"))
        with pytest.raises(TooManyLoginsError), pace.one("2001:db8::2"):  # of the same network
            pass
        with pace.one("192.0.2.1"):
            pass
    for _ in range(56):
        with pace.one("2001:db8::1"):
            pass
    with pytest.raises(TooManyLoginsError), pace.one("2001:db8::1"):
        pass
    now = 60.0
    with pace.one("2001:db8::1"):
        pass


def test_many_addresses_take_no_memory_without_end() -> None:
    pace = Pace()
    for number in range(5000):
        with pace.one(f"192.0.{number >> 8}.{number & 255}"):
            pass
    assert len(pace._addresses) <= 4096
