"""Audit records of what a server itself does."""
