-- Legal holds, which keep records beyond their retention, and the retention that was in force: both append-only. A hold
-- is in force from its row of the kind 'add' until its row of the kind 'release'. Never expires.

CREATE TABLE IF NOT EXISTS legal_holds (
    `Name` String COMMENT 'Name of the hold, which is never used again',
    `Kind` LowCardinality(String) COMMENT 'add or release',
    `Scope` String COMMENT 'JSON: which records; empty for a release',
    `Reason` String,
    `Who` String COMMENT 'Who asked for it, as the caller claims',
    `Caller` String COMMENT 'Address of the caller',
    `At` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'By the clock of ClickHouse'
) ENGINE = MergeTree
ORDER BY (At, Name);

CREATE TABLE IF NOT EXISTS retention_policies (
    `Stream` LowCardinality(String) COMMENT 'Name of a stream, or disclosures',
    `Policy` String COMMENT 'JSON: how long records, or disclosed values, are kept',
    `At` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the audit log had a record of it'
) ENGINE = MergeTree
ORDER BY (Stream, At);
