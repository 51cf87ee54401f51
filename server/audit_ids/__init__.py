"""Idempotency of audit records: one row for each id, across requests, restarts, workers and servers."""
