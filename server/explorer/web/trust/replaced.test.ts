import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCheckpoint } from "../proof/checkpoint";
import { MadeLog, madeKey } from "../proof/made_log";
import { replacedIn } from "./replaced";

const ENTRIES = Array.from({ length: 20 }, (_, at) => `entry ${at}`);
const [AUDIT, NEW] = [new MadeLog("shop/audit/a", ENTRIES), new MadeLog("shop/audit/b", ENTRIES)];
const seen = async (...changes: Promise<string>[]) => new Map([[AUDIT.origin, await Promise.all(changes)]]);
const signed = async (seed: number) => parseCheckpoint(await NEW.checkpoint(9, [seed]), "it");

test("a key that was replaced in one log is doubtful in another, of which no change is known", async () => {
  const changes = await seen(AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 3));
  const pinned = [await madeKey(1, "")];
  assert.equal(await replacedIn(await signed(1), pinned, changes), AUDIT.origin);
  assert.equal(await replacedIn(await signed(2), pinned, changes), AUDIT.origin);
  assert.equal(await replacedIn(await signed(3), pinned, changes), undefined);
  assert.equal(await replacedIn(await signed(4), pinned, changes), undefined);
  assert.equal(await replacedIn(await signed(1), pinned, new Map([[AUDIT.origin, []]])), undefined);
});

test("a key is not doubtful that was replaced and came back, or that the reader pinned for this log", async () => {
  const back = await seen(AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 1));
  assert.equal(await replacedIn(await signed(1), [await madeKey(1, "")], back), undefined);
  const changes = await seen(AUDIT.keyChange(1, 4, 1, 2));
  assert.equal(await replacedIn(await signed(1), [await madeKey(1, NEW.origin)], changes), undefined);
  assert.equal(await replacedIn(await signed(1), [await madeKey(1, AUDIT.origin)], changes), AUDIT.origin);
});
