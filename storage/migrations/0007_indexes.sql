-- Text indexes of attributes and bodies took more CPU than all the rest of inserts and merges together, and half of the
-- disk (benchmarks/README.md, "bill"). Bloom filters of the values of attributes and of the words of bodies serve the
-- same queries for a fifth of that: they leave out the granules that cannot have a value or a word. Keys of attributes
-- are in nearly every granule, so an index of them leaves out none. What is stored already gets the new ones in the
-- background.

ALTER TABLE otel_logs
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_scope_attr_key,
    DROP INDEX IF EXISTS idx_scope_attr_value,
    DROP INDEX IF EXISTS idx_log_attr_key,
    DROP INDEX IF EXISTS idx_log_attr_value,
    DROP INDEX IF EXISTS idx_lower_body;
ALTER TABLE audit_logs
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_scope_attr_key,
    DROP INDEX IF EXISTS idx_scope_attr_value,
    DROP INDEX IF EXISTS idx_log_attr_key,
    DROP INDEX IF EXISTS idx_log_attr_value,
    DROP INDEX IF EXISTS idx_lower_body;
ALTER TABLE otel_logs
    ADD INDEX IF NOT EXISTS idx_resource_values mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_log_values mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_body_words tokens(lower(Body)) TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE audit_logs
    ADD INDEX IF NOT EXISTS idx_resource_values mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_log_values mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_body_words tokens(lower(Body)) TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE otel_logs
    MATERIALIZE INDEX IF EXISTS idx_resource_values,
    MATERIALIZE INDEX IF EXISTS idx_log_values,
    MATERIALIZE INDEX IF EXISTS idx_body_words;
ALTER TABLE audit_logs
    MATERIALIZE INDEX IF EXISTS idx_resource_values,
    MATERIALIZE INDEX IF EXISTS idx_log_values,
    MATERIALIZE INDEX IF EXISTS idx_body_words;
