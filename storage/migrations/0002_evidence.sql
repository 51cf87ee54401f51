-- One row per batch: its signed checkpoint and what is needed to check it alone. A batch is committed
-- when its row is here. Never expires.

CREATE TABLE IF NOT EXISTS log_batches (
    `LogId` LowCardinality(String) COMMENT 'First 16 hex digits of SHA-256(Origin)' CODEC(ZSTD(1)),
    `Origin` LowCardinality(String) COMMENT '<deployment>/<stream>/<writer>' CODEC(ZSTD(1)),
    `BatchId` UUID COMMENT 'From the digest of the other columns, Checkpoint by its signed text' CODEC(ZSTD(1)),
    `Sequence` UInt64 COMMENT 'Number of the batch in its log, from 1' CODEC(Delta(8), ZSTD(1)),
    `FirstLeaf` UInt64 CODEC(Delta(8), ZSTD(1)),
    `TreeSize` UInt64 COMMENT 'Leaves in the log after the batch' CODEC(Delta(8), ZSTD(1)),
    `RecordCount` UInt64 CODEC(ZSTD(1)),
    `MinTimestamp` DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    `MaxTimestamp` DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    `IngestedAt` DateTime64(9, 'UTC') COMMENT 'Latest IngestedAt of its records' CODEC(Delta(8), ZSTD(1)),
    `RootHash` FixedString(32) COMMENT 'RFC 6962 root of the first TreeSize leaves',
    `Frontier` String COMMENT 'Compact range of the first FirstLeaf leaves' CODEC(ZSTD(1)),
    `Checkpoint` String COMMENT 'C2SP tlog-checkpoint, a signed note' CODEC(ZSTD(1)),
    `CanonicalVersion` UInt16 COMMENT 'Version of the canonical record',
    INDEX idx_tree_size TreeSize TYPE minmax GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
ORDER BY (LogId, Sequence)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000;

-- The hashes of each log's tree, in tiles of 256 (C2SP tlog-tiles: level 0 holds leaf hashes, level n
-- roots of subtrees of 256^n leaves). A batch adds only its new hashes: a tile consists of the
-- fragments that committed batches brought, in the order of Offset. Never expires.

CREATE TABLE IF NOT EXISTS log_tiles (
    `LogId` LowCardinality(String) CODEC(ZSTD(1)),
    `Level` UInt8,
    `TileIndex` UInt64 CODEC(Delta(8), ZSTD(1)),
    `Offset` UInt16 COMMENT 'Place of the first hash within the tile',
    `Hashes` String COMMENT '32 bytes each' CODEC(NONE),
    `BatchId` UUID CODEC(ZSTD(1)),
    `Sequence` UInt64 CODEC(Delta(8), ZSTD(1))
) ENGINE = MergeTree
ORDER BY (LogId, Level, TileIndex, Offset)
SETTINGS index_granularity = 64, non_replicated_deduplication_window = 1000;
