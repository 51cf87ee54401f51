-- Values to which signed records have commitments instead, SHA-256(Salt || Value), with redaction = disclose. They are not
-- part of any record: they can be erased, and every proof still verifies. Parts that a deletion replaces go soon. A part
-- has the values of one day, and is dropped as a whole once all of them are too old.

CREATE TABLE IF NOT EXISTS disclosures (
    `IngestedAt` DateTime64(9, 'UTC') COMMENT 'When the record was received' CODEC(Delta(8), ZSTD(1)),
    `Commitment` FixedString(32) COMMENT 'As the record has it, there in hexadecimal' CODEC(NONE),
    `Salt` FixedString(32) CODEC(NONE),
    `Value` String CODEC(ZSTD(1)),
    `Rule` LowCardinality(String) COMMENT 'Rule of redaction' CODEC(ZSTD(1)),
    `ActorIds` Array(String) COMMENT 'Actors of the audit records that have the commitment' CODEC(ZSTD(1)),
    `Tenant` LowCardinality(String) DEFAULT '' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(IngestedAt, 'UTC')
ORDER BY Commitment
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, old_parts_lifetime = 60;
