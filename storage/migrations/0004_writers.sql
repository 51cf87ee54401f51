-- Who writes under which name, told every few seconds: so that a second server of the same name, with
-- a copied data directory for instance, is noticed when it starts.

CREATE TABLE IF NOT EXISTS log_writers (
    `Deployment` String,
    `Writer` String,
    `Place` String COMMENT 'Host and data directory',
    `Instance` UUID COMMENT 'Made anew at each start',
    `Writing` UInt8 COMMENT '0: it has stopped',
    `SeenAt` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'By the clock of ClickHouse'
) ENGINE = MergeTree
ORDER BY (Deployment, Writer, SeenAt)
TTL toDateTime(SeenAt) + INTERVAL 1 DAY;
