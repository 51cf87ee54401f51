"""Backoff between attempts."""
