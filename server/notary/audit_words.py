"""The fixed values of two audit columns."""

from __future__ import annotations

__all__ = ["CATEGORIES", "OUTCOMES"]

OUTCOMES = ("success", "failure", "unknown")
"""Values of the column Outcome."""

CATEGORIES = ("admin", "data", "auth", "system")
"""Values of the column Category."""
