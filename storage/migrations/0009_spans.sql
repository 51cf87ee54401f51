-- Spans that are received, and notarized like records. The columns of the Collector's clickhouseexporter, and its order;
-- every other column has a default, so that the exporter can still insert. One batch lies in one partition: that makes its
-- INSERT atomic. So the day of receipt parts the table, where the exporter takes that of the span: a table with another
-- partition key was put aside before, as otel_traces_before (storage/earlier_spans.py).

CREATE TABLE IF NOT EXISTS otel_traces (
    `Timestamp` DateTime64(9) COMMENT 'Start' CODEC(Delta(8), ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `SpanId` String CODEC(ZSTD(1)),
    `ParentSpanId` String CODEC(ZSTD(1)),
    `TraceState` String CODEC(ZSTD(1)),
    `SpanName` LowCardinality(String) CODEC(ZSTD(1)),
    `SpanKind` LowCardinality(String) CODEC(ZSTD(1)),
    `ServiceName` LowCardinality(String) CODEC(ZSTD(1)),
    `ResourceAttributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    `ScopeName` String CODEC(ZSTD(1)),
    `ScopeVersion` LowCardinality(String) CODEC(ZSTD(1)),
    `SpanAttributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    `Duration` UInt64 COMMENT 'Nanoseconds' CODEC(T64, ZSTD(1)),
    `StatusCode` LowCardinality(String) CODEC(ZSTD(1)),
    `StatusMessage` String CODEC(ZSTD(1)),
    `Events.Timestamp` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Events.Name` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Links.TraceId` Array(String) CODEC(ZSTD(1)),
    `Links.SpanId` Array(String) CODEC(ZSTD(1)),
    `Links.TraceState` Array(String) CODEC(ZSTD(1)),
    `Links.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),

    `ResourceSchemaUrl` LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)),
    `ScopeSchemaUrl` LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)),
    `ScopeAttributes` Map(LowCardinality(String), String) DEFAULT map() CODEC(ZSTD(1)),
    `Flags` UInt32 DEFAULT 0 COMMENT 'All 32 bits of flags' CODEC(ZSTD(1)),
    `DroppedAttributesCount` UInt32 DEFAULT 0 CODEC(ZSTD(1)),
    `DroppedEventsCount` UInt32 DEFAULT 0 CODEC(ZSTD(1)),
    `DroppedLinksCount` UInt32 DEFAULT 0 CODEC(ZSTD(1)),
    `OtlpDetails` LowCardinality(String) DEFAULT '' COMMENT 'JSON: what other columns lose of the OTLP span, such as value types' CODEC(ZSTD(1)),
    `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom it belongs' CODEC(ZSTD(1)),
    `Sender` LowCardinality(String) DEFAULT '' COMMENT 'Who delivered it' CODEC(ZSTD(1)),
    `Redactions` String DEFAULT '' COMMENT 'JSON: values that were replaced before it was signed' CODEC(ZSTD(1)),
    `IngestedAt` DateTime64(9, 'UTC') DEFAULT now64(9) COMMENT 'When it was received' CODEC(Delta(8), ZSTD(1)),
    `LogId` LowCardinality(String) DEFAULT '' COMMENT 'Log in which it is an entry; empty: none' CODEC(ZSTD(1)),
    `BatchId` UUID DEFAULT toUUID('00000000-0000-0000-0000-000000000000') CODEC(ZSTD(1)),
    `LeafIndex` UInt64 DEFAULT 0 COMMENT 'Place in the log' CODEC(Delta(8), ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE {{id_index}},
    INDEX idx_leaf_index LeafIndex TYPE minmax GRANULARITY 1,
    INDEX idx_timestamp Timestamp TYPE minmax GRANULARITY 1,
    INDEX idx_resource_values mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_values mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(IngestedAt, 'UTC')
PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, {{room}}{{selector}}non_replicated_deduplication_window = 10000;

-- The view forgets its table when that is put aside, and finds the new one by this. What senders claim as time is anything,
-- and a day that a batch touches is a part of its own in otel_traces_trace_id_ts: so the days of received spans are bounded.

ALTER TABLE otel_traces_trace_id_ts_mv MODIFY QUERY
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM otel_traces
WHERE TraceId != '' AND (LogId = '' OR Timestamp BETWEEN now() - INTERVAL 7 DAY AND now() + INTERVAL 1 DAY)
GROUP BY TraceId;

-- What a Collector wrote between these two statements. It does no harm there twice.

INSERT INTO otel_traces_trace_id_ts (TraceId, Start, End)
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM otel_traces
WHERE TraceId != '' AND LogId = ''
GROUP BY TraceId;
