"""Verification: comparison of stored data with what was signed."""
