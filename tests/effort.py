"""Effort of generated tests: all of it, a third for CI, or a tenth for an answer in minutes.

``TEST_PROFILE`` is ``patient``, which is the default, ``sampled``, as in CI, or ``quick``, as in ``make test``.
"""

from __future__ import annotations

import os

__all__ = ["PROFILES", "effort", "profile"]

_SHARES = {"patient": 1, "sampled": 4, "quick": 10}  # one of so many
PROFILES = tuple(_SHARES)


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
    """Return a number of examples, steps or cases: the given one, or the profile's share of it."""
    return max(1, patient // _SHARES[profile()])
