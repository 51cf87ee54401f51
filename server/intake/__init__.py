"""Intake of records, in this process or in its workers."""
