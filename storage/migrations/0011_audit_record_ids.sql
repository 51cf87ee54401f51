-- The ids of audit records that were received with a promise of one row for each id: who claimed them, and what became of
-- each claim. A writer claims ids before it sends their records on their way, then reads all claims of these ids: of two
-- writers that claim one id at the same time, at least one sees the other. A claim ends when its writer says that the
-- record is stored, or that it never will be: never by itself, for the record may wait in the writer's journal.
--
-- Merges leave one row of a claim, the one with the greatest State. The key is the id alone, so that a lookup reads one
-- granule of a part. All rows of one INSERT are in one partition, because they were claimed in one month.

CREATE TABLE IF NOT EXISTS audit_record_ids (
    `RecordId` UUID COMMENT 'audit.record.id; if State is 0, the first 16 bytes of Digest',
    `ClaimId` UUID COMMENT 'Made anew for each claim',
    `State` UInt8 COMMENT '0: finds a record by its digest, 1: claimed, 2: released, 3: stored',
    `Digest` FixedString(32) COMMENT 'SHA-256 of the canonical JSON of the record',
    `Origin` LowCardinality(String) COMMENT 'Log of the writer that claims' CODEC(ZSTD(1)),
    `Instance` UUID COMMENT 'Start of the process that claims' CODEC(ZSTD(1)),
    `ClaimedAt` DateTime64(3, 'UTC') COMMENT 'By the clock of the writer' CODEC(Delta(8), ZSTD(1)),
    `LeafIndex` UInt64 COMMENT 'Place in the log, if State is 3' CODEC(Delta(8), ZSTD(1)),
    `IngestedAt` DateTime64(9, 'UTC') COMMENT 'When it was received, if State is 3' CODEC(Delta(8), ZSTD(1)),
    INDEX idx_state State TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(State)
PARTITION BY toYYYYMM(ClaimedAt)
ORDER BY (RecordId, ClaimId)
SETTINGS index_granularity = 256, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;
