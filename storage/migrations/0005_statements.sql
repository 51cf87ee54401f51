-- Signed statements about a log's checkpoint at a time: that it stood so (heartbeat), which keys sign it,
-- how long its records are kept, what witnesses and timestamp authorities say of it. Numbered without
-- gaps within each log. Never expires.

CREATE TABLE IF NOT EXISTS log_statements (
    `LogId` LowCardinality(String) COMMENT 'First 16 hex digits of SHA-256 of the origin in Note' CODEC(ZSTD(1)),
    `Number` UInt64 COMMENT 'Number of the statement in its log, from 1' CODEC(Delta(8), ZSTD(1)),
    `Kind` LowCardinality(String) COMMENT 'heartbeat, keys, retention, witnessed or timestamped' CODEC(ZSTD(1)),
    `TreeSize` UInt64 COMMENT 'Leaves in the log then' CODEC(Delta(8), ZSTD(1)),
    `SignedAt` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `Note` String COMMENT 'C2SP tlog-checkpoint with one extension line, a signed note' CODEC(ZSTD(1)),
    `Data` String COMMENT 'Cosignature lines, or an RFC 3161 response; its SHA-256 is in Note' CODEC(ZSTD(1))
) ENGINE = MergeTree
ORDER BY (LogId, Number)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000;
