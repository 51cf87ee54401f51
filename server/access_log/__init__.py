"""Who looked is on record: events of access, and the log that they go to."""
