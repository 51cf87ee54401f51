-- Text indexes of attributes and bodies took more CPU than all the rest of inserts and merges together, and half of the
-- disk (benchmarks/README.md, "layout"). Bloom filters of the values of attributes and of the words of bodies serve the
-- same queries for a fifth of that: they leave out the granules that cannot have a value or a word. Keys of attributes
-- are in nearly every granule, so an index of them leaves out none.
--
-- Nothing here waits until parts are rewritten (alter_sync, mutations_sync): that may take hours, and the server would not
-- start before. ClickHouse does it in the background.

ALTER TABLE otel_logs
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_scope_attr_key,
    DROP INDEX IF EXISTS idx_scope_attr_value,
    DROP INDEX IF EXISTS idx_log_attr_key,
    DROP INDEX IF EXISTS idx_log_attr_value,
    DROP INDEX IF EXISTS idx_lower_body
    SETTINGS alter_sync = 0;
ALTER TABLE audit_logs
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_scope_attr_key,
    DROP INDEX IF EXISTS idx_scope_attr_value,
    DROP INDEX IF EXISTS idx_log_attr_key,
    DROP INDEX IF EXISTS idx_log_attr_value,
    DROP INDEX IF EXISTS idx_lower_body
    SETTINGS alter_sync = 0;
ALTER TABLE otel_logs
    ADD INDEX IF NOT EXISTS idx_resource_values mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_log_values mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_body_words tokens(lower(Body)) TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE audit_logs
    ADD INDEX IF NOT EXISTS idx_resource_values mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_log_values mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS idx_body_words tokens(lower(Body)) TYPE bloom_filter(0.01) GRANULARITY 1;

-- The columns that version 2 of the canonical record adds (docs/evidence.md). They are empty in records of version 1.

ALTER TABLE otel_logs
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom it belongs' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `Sender` LowCardinality(String) DEFAULT '' COMMENT 'Who delivered it' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `Redactions` String DEFAULT '' COMMENT 'JSON: values that were replaced before it was signed' CODEC(ZSTD(1));
ALTER TABLE audit_logs
    ADD COLUMN IF NOT EXISTS `Tenant` LowCardinality(String) DEFAULT '' COMMENT 'Tenant to whom it belongs' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `Sender` LowCardinality(String) DEFAULT '' COMMENT 'Who delivered it' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `Redactions` String DEFAULT '' COMMENT 'JSON: values that were replaced before it was signed' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `ActorName` String DEFAULT '' COMMENT 'Name of the actor, as people know it' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `EffectiveActorId` String DEFAULT '' COMMENT 'On whose behalf, or with whose rights' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `SessionId` String DEFAULT '' COMMENT 'Session of the actor' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `SourceHost` String DEFAULT '' COMMENT 'Host of the source' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `Description` String DEFAULT '' COMMENT 'What happened, for people' CODEC(ZSTD(1));

-- These columns repeat what ResourceAttributes says: to store them took a tenth of the CPU of inserts and merges. As
-- aliases they read the same, nobody can change them, and idx_resource_values serves them. Each is dropped and added by
-- one statement, so that a server that ends between two statements takes nothing away that another one has made.

ALTER TABLE otel_logs
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.cluster.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.container.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.deployment.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.namespace.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.node.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.pod.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.pod.uid`,
    DROP COLUMN IF EXISTS `__otel_materialized_deployment.environment.name`,
    ADD COLUMN `__otel_materialized_k8s.cluster.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.cluster.name'],
    ADD COLUMN `__otel_materialized_k8s.container.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.container.name'],
    ADD COLUMN `__otel_materialized_k8s.deployment.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.deployment.name'],
    ADD COLUMN `__otel_materialized_k8s.namespace.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.namespace.name'],
    ADD COLUMN `__otel_materialized_k8s.node.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.node.name'],
    ADD COLUMN `__otel_materialized_k8s.pod.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.pod.name'],
    ADD COLUMN `__otel_materialized_k8s.pod.uid` LowCardinality(String) ALIAS ResourceAttributes['k8s.pod.uid'],
    ADD COLUMN `__otel_materialized_deployment.environment.name` LowCardinality(String) ALIAS ResourceAttributes['deployment.environment.name']
    SETTINGS alter_sync = 0;
ALTER TABLE audit_logs
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.cluster.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.container.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.deployment.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.namespace.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.node.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.pod.name`,
    DROP COLUMN IF EXISTS `__otel_materialized_k8s.pod.uid`,
    DROP COLUMN IF EXISTS `__otel_materialized_deployment.environment.name`,
    ADD COLUMN `__otel_materialized_k8s.cluster.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.cluster.name'],
    ADD COLUMN `__otel_materialized_k8s.container.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.container.name'],
    ADD COLUMN `__otel_materialized_k8s.deployment.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.deployment.name'],
    ADD COLUMN `__otel_materialized_k8s.namespace.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.namespace.name'],
    ADD COLUMN `__otel_materialized_k8s.node.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.node.name'],
    ADD COLUMN `__otel_materialized_k8s.pod.name` LowCardinality(String) ALIAS ResourceAttributes['k8s.pod.name'],
    ADD COLUMN `__otel_materialized_k8s.pod.uid` LowCardinality(String) ALIAS ResourceAttributes['k8s.pod.uid'],
    ADD COLUMN `__otel_materialized_deployment.environment.name` LowCardinality(String) ALIAS ResourceAttributes['deployment.environment.name']
    SETTINGS alter_sync = 0;

-- Parts are merged when there are about ten of a size, instead of five: each record is written less often, and a query
-- looks at a few more parts (benchmarks/README.md, "layout").

ALTER TABLE otel_logs MODIFY SETTING {{selector}}non_replicated_deduplication_window = 10000;
ALTER TABLE audit_logs MODIFY SETTING {{selector}}non_replicated_deduplication_window = 10000;
ALTER TABLE log_batches MODIFY SETTING {{selector}}non_replicated_deduplication_window = 10000;
ALTER TABLE log_tiles MODIFY SETTING {{selector}}non_replicated_deduplication_window = 10000;

-- What is stored already gets the new indexes too.

ALTER TABLE otel_logs
    MATERIALIZE INDEX IF EXISTS idx_resource_values,
    MATERIALIZE INDEX IF EXISTS idx_log_values,
    MATERIALIZE INDEX IF EXISTS idx_body_words
    SETTINGS mutations_sync = 0;
ALTER TABLE audit_logs
    MATERIALIZE INDEX IF EXISTS idx_resource_values,
    MATERIALIZE INDEX IF EXISTS idx_log_values,
    MATERIALIZE INDEX IF EXISTS idx_body_words
    SETTINGS mutations_sync = 0;
