-- ClickHouse that meets the very end of its disk while it inserts says OK and cannot read the part afterwards (seen with
-- 26.7). So it refuses inserts before that. And it remembers the tokens of more inserts, since several servers may
-- insert while one waits for its answer.

ALTER TABLE otel_logs MODIFY SETTING {{room}}non_replicated_deduplication_window = 10000;
ALTER TABLE audit_logs MODIFY SETTING {{room}}non_replicated_deduplication_window = 10000;
ALTER TABLE log_batches MODIFY SETTING {{room}}non_replicated_deduplication_window = 10000;
ALTER TABLE log_tiles MODIFY SETTING {{room}}non_replicated_deduplication_window = 10000;
ALTER TABLE log_statements MODIFY SETTING {{room}}non_replicated_deduplication_window = 10000;
