-- The tenant of each log, as its records have it: reads of a caller are bound to tenants by a condition on this column
-- (storage/bound.py). It is empty for the default tenant, to which all logs belong that were written before. Legal holds and
-- retention are of the whole server.

ALTER TABLE log_batches
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom the log belongs' CODEC(ZSTD(1));
ALTER TABLE log_tiles
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom the log belongs' CODEC(ZSTD(1));
ALTER TABLE log_statements
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom the log belongs' CODEC(ZSTD(1));
ALTER TABLE audit_record_ids
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom the record belongs' CODEC(ZSTD(1));
