import assert from "node:assert/strict";
import { test } from "node:test";
import { allSeenChanges, forgetLog, keptCheckpoints, putAway, replace, seenChanges } from "./kept";
import type { KeptCheckpoint } from "./witness";

// Without IndexedDB, values are kept as long as the module.
const checkpoint = (logId: string, note: string, ...changes: string[]): KeptCheckpoint => ({
  ...{ logId, origin: `log ${logId}`, note, keys: [], changes },
  ...{ since: "2026-01-01T00:00:00Z", at: "2026-01-01T00:00:00Z", reader: "" },
});

test("a checkpoint that is put away leaves the key changes of its log, which the next one keeps", async () => {
  const before = checkpoint("a", "note 1", "change 1", "change 2");
  assert.equal(await replace(undefined, before), true);
  await putAway("a");
  assert.deepEqual(await keptCheckpoints(), []);
  assert.deepEqual(await seenChanges("log a"), ["change 1", "change 2"]);
  assert.equal(await replace(before, checkpoint("a", "note 2")), false);
  assert.equal(await replace(undefined, checkpoint("a", "note 3", "change 1")), true);
  assert.deepEqual(await keptCheckpoints(), [checkpoint("a", "note 3", "change 1", "change 2")]);
});

test("of a log without key changes, nothing is left once its checkpoint is put away", async () => {
  await replace(undefined, checkpoint("b", "note 1"));
  await putAway("b");
  await putAway("c");
  assert.deepEqual([...(await allSeenChanges()).keys()], ["log a"]);
});

test("a log that is forgotten has no key changes any more", async () => {
  await forgetLog("a");
  assert.deepEqual(await seenChanges("log a"), []);
  assert.equal((await allSeenChanges()).size, 0);
});
