"""Effort of generated tests: all of it, or a tenth for an answer in minutes.

``TEST_PROFILE`` is ``patient``, which is the default, or ``quick``, which ``make test`` takes.
"""

from __future__ import annotations

import os

__all__ = ["PROFILES", "effort", "profile"]

PROFILES = ("patient", "quick")
_QUICK_SHARE = 10


def profile() -> str:
    """Return the profile's name.

    Raises:
        ValueError: the variable names another.
    """
    name = os.environ.get("TEST_PROFILE", PROFILES[0])
    if name not in PROFILES:
        raise ValueError(f"TEST_PROFILE is {name!r}: set it to one of {', '.join(PROFILES)}")
    return name


def effort(patient: int) -> int:
    """Return a number of examples, steps or cases: the given one, or a tenth of it with the quick profile."""
    return patient if profile() == "patient" else max(1, patient // _QUICK_SHARE)
