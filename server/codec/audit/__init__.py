"""Audit rules: which records are audit records, and who did what, on what, from where, with which result."""
