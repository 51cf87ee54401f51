-- Searches are about a range of time, or a page of one. The sorting key begins with five minutes of Timestamp, from which
-- ClickHouse does not conclude anything about Timestamp itself, and times after 2106 do not fit there; the smallest and
-- largest Timestamp of each granule cost nearly nothing. SourceId and Action were the filters of audit events without an
-- index.
--
-- Nothing here waits until parts are rewritten: ClickHouse does that in the background.

ALTER TABLE otel_logs
    ADD INDEX IF NOT EXISTS idx_timestamp Timestamp TYPE minmax GRANULARITY 1;
ALTER TABLE audit_logs
    ADD INDEX IF NOT EXISTS idx_timestamp Timestamp TYPE minmax GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_source SourceId TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_action Action TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE otel_logs
    MATERIALIZE INDEX IF EXISTS idx_timestamp
    SETTINGS mutations_sync = 0;
ALTER TABLE audit_logs
    MATERIALIZE INDEX IF EXISTS idx_timestamp,
    MATERIALIZE INDEX IF EXISTS idx_source,
    MATERIALIZE INDEX IF EXISTS idx_action
    SETTINGS mutations_sync = 0;
