-- Each statement changes one thing in the store of store.sql. After each, applied alone to a fresh copy, a verifier must
-- find something. The comment says what is changed, and which kinds of findings the verifier in this directory has.
-- Run mutations with mutations_sync = 2.

-- content of a record: RECORD_CHANGED
ALTER TABLE otel_logs UPDATE Body = 'order 101' WHERE LeafIndex = 100;
-- a record stored again with another time of receipt: RECORD_DUPLICATED
INSERT INTO otel_logs SELECT * REPLACE (IngestedAt + 1 AS IngestedAt) FROM (SELECT * FROM otel_logs WHERE LeafIndex = 270);
-- kind of a span: RECORD_CHANGED
ALTER TABLE otel_traces UPDATE SpanKind = 'Client' WHERE LeafIndex = 1;
-- time of an event of a span: RECORD_CHANGED
ALTER TABLE otel_traces UPDATE `Events.Timestamp` = arrayReverse(`Events.Timestamp`) WHERE LeafIndex = 1;
-- order of the values of a repeated attribute of a link: RECORD_CHANGED
ALTER TABLE otel_traces UPDATE `Links.Attributes` = [map('group', 'b', 'group', 'a')] WHERE LeafIndex = 1;
-- a span deleted: RECORD_MISSING
ALTER TABLE otel_traces DELETE WHERE LeafIndex = 2;
-- sender of a record: RECORD_CHANGED
ALTER TABLE otel_logs UPDATE Sender = 'mallory' WHERE LeafIndex = 260;
-- description of a record: RECORD_CHANGED
ALTER TABLE audit_logs UPDATE Description = '' WHERE LeafIndex = 5;
-- a tenant in a record of version 1, which has none: RECORD_CHANGED
ALTER TABLE otel_logs UPDATE Tenant = 'mallory' WHERE LeafIndex = 100;
-- an actor's name in a record of version 1, which has none: RECORD_CHANGED
ALTER TABLE audit_logs UPDATE ActorName = 'Mallory' WHERE LeafIndex = 4;
-- order of the values of a repeated attribute: RECORD_CHANGED
ALTER TABLE audit_logs UPDATE LogAttributes = map('audit.action', 'auth.login', 'audit.actor.id', 'alice', 'group', 'b', 'group', 'a') WHERE LeafIndex = 4;
-- leaf of a record: RECORDS_UNSIGNED RECORD_MISSING
ALTER TABLE otel_logs UPDATE LeafIndex = 300 WHERE LeafIndex = 271;
-- log of a record: RECORDS_UNSIGNED RECORD_MISSING
ALTER TABLE otel_logs UPDATE LogId = '' WHERE LeafIndex = 271;
-- batch of a record: RECORDS_UNSIGNED RECORD_MISSING
ALTER TABLE otel_logs UPDATE BatchId = toUUID('00000000-0000-0000-0000-000000000000') WHERE LeafIndex = 271;
-- a column that reads something else than the attribute of its name: TABLE_ALTERED
ALTER TABLE otel_logs MODIFY COLUMN `__otel_materialized_k8s.pod.name` LowCardinality(String) ALIAS 'mallory';
-- a record deleted: RECORD_MISSING
ALTER TABLE otel_logs DELETE WHERE LeafIndex = 0;
-- all records of a batch deleted that never expire: RECORD_MISSING
ALTER TABLE otel_logs DELETE WHERE LeafIndex >= 250 AND LeafIndex < 270;
-- a record changed in a batch that may have expired: RECORD_CHANGED
ALTER TABLE audit_logs UPDATE Body = 'x' WHERE LeafIndex = 3;
-- a record stored twice: RECORD_DUPLICATED
INSERT INTO otel_logs SELECT * FROM otel_logs WHERE LeafIndex = 7;
-- a record of no log: RECORDS_UNSIGNED
INSERT INTO audit_logs (Timestamp, Body) VALUES (now(), 'mallory');
-- a record of another log that does not exist: RECORDS_UNSIGNED
INSERT INTO audit_logs (Timestamp, Body, LogId, BatchId, LeafIndex) VALUES (now(), 'mallory', 'ffffffffffffffff', generateUUIDv4(), 0);
-- a record in the other stream's table: RECORDS_UNSIGNED
INSERT INTO audit_logs (Timestamp, Body, LogId, BatchId, LeafIndex) SELECT Timestamp, Body, LogId, BatchId, LeafIndex FROM otel_logs WHERE LeafIndex = 5;
-- a batch deleted in the middle: BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches DELETE WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- the last batch deleted: LOG_TRUNCATED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches DELETE WHERE Origin = 'shop/operational/a' AND Sequence = 3;
-- a batch stored twice: BATCH_DUPLICATED
INSERT INTO log_batches SELECT * FROM log_batches WHERE Origin = 'shop/audit/a' AND Sequence = 1;
-- number of a batch: BATCH_ALTERED BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE FirstLeaf = 251 WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- time of a batch: BATCH_ALTERED BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE IngestedAt = IngestedAt - 1 WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- version of a batch: BATCH_ALTERED BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE CanonicalVersion = 1 WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- root hash of a batch: BATCH_ALTERED BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE RootHash = reverse(RootHash) WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- frontier of a batch: BATCH_ALTERED BATCH_MISSING LOG_FORKED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE Frontier = reverse(Frontier) WHERE Origin = 'shop/operational/a' AND Sequence = 2;
-- a batch signed by nobody: BATCH_ALTERED LOG_TRUNCATED RECORDS_UNSIGNED TILE_ALTERED
ALTER TABLE log_batches UPDATE Checkpoint = substring(Checkpoint, 1, position(Checkpoint, '\n\n') + 1) WHERE Origin = 'shop/operational/a' AND Sequence = 3;
-- a batch of something that is not a log: BATCH_ALTERED
INSERT INTO log_batches SELECT * REPLACE ('nonsense' AS Origin, lower(substring(hex(SHA256('nonsense')), 1, 16)) AS LogId) FROM log_batches;
-- one byte of the hash of a leaf: TILE_ALTERED
ALTER TABLE log_tiles UPDATE Hashes = concat(char(0), substring(Hashes, 2)) WHERE Level = 0 AND Offset = 250;
-- one byte of a hash on a higher level: TILE_ALTERED
ALTER TABLE log_tiles UPDATE Hashes = concat(char(0), substring(Hashes, 2)) WHERE Level = 1;
-- hashes of expired records deleted: TILE_ALTERED
ALTER TABLE log_tiles DELETE WHERE LogId = '52ee01323c348f62' AND Offset = 0;
-- hashes stored twice: TILE_ALTERED
INSERT INTO log_tiles SELECT * FROM log_tiles WHERE Level = 1;
-- hashes of no log: TILE_ALTERED
INSERT INTO log_tiles (LogId, Hashes) VALUES ('', unhex(repeat('00', 32)));
-- number of a batch at its hashes: TILE_ALTERED
ALTER TABLE log_tiles UPDATE Sequence = 7 WHERE Level = 1;
-- a statement deleted: STATEMENT_MISSING
ALTER TABLE log_statements DELETE WHERE LogId = '52ee01323c348f62' AND Number = 2;
-- all statements of a log deleted: RECORD_MISSING STATEMENT_MISSING
ALTER TABLE log_statements DELETE WHERE LogId = '52ee01323c348f62';
-- time of a statement: STATEMENT_ALTERED
ALTER TABLE log_statements UPDATE SignedAt = SignedAt - 1 WHERE Number = 2;
-- text of a statement: RECORD_MISSING STATEMENT_ALTERED
ALTER TABLE log_statements UPDATE Note = replaceOne(Note, ' 86400 ', ' 3600 ') WHERE Kind = 'retention';
-- data of a statement without any: STATEMENT_ALTERED
ALTER TABLE log_statements UPDATE Data = 'x' WHERE Number = 2;
-- a statement stored twice: STATEMENT_DUPLICATED
INSERT INTO log_statements SELECT * FROM log_statements WHERE Kind = 'keys';
-- the change of keys deleted: BATCH_FOREIGN_SIGNED RECORDS_UNSIGNED STATEMENT_FOREIGN_SIGNED TILE_ALTERED
ALTER TABLE log_statements DELETE WHERE Kind = 'keys';
-- everything: LOG_TRUNCATED RECORDS_UNSIGNED TILE_ALTERED
TRUNCATE TABLE log_batches;
