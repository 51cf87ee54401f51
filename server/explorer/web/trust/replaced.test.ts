import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCheckpoint } from "../proof/checkpoint";
import { MadeLog } from "../proof/made_log";
import { replacedIn } from "./replaced";

const ENTRIES = Array.from({ length: 20 }, (_, at) => `entry ${at}`);
const [AUDIT, NEW] = [new MadeLog("shop/audit/a", ENTRIES), new MadeLog("shop/audit/b", ENTRIES)];
const seen = async (...changes: Promise<string>[]) => new Map([[AUDIT.origin, await Promise.all(changes)]]);
const signed = async (seed: number) => parseCheckpoint(await NEW.checkpoint(9, [seed]), "it");

test("a key that was replaced in one log is doubtful in another, of which no change is known", async () => {
  const changes = await seen(AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 3));
  assert.equal(await replacedIn(await signed(1), [], changes), AUDIT.origin);
  assert.equal(await replacedIn(await signed(2), [], changes), AUDIT.origin);
  assert.equal(await replacedIn(await signed(3), [], changes), undefined);
  assert.equal(await replacedIn(await signed(4), [], changes), undefined);
  assert.equal(await replacedIn(await signed(1), [], new Map([[AUDIT.origin, []]])), undefined);
});

const own = (...notes: Promise<string>[]) => Promise.all(notes);

test("a log is doubtful in which a replaced key was not replaced, or by another one than elsewhere", async () => {
  const changes = await seen(AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 3));
  for (const [signer, notes] of [
    [9, await own(NEW.keyChange(1, 2, 1, 9))],
    [9, await own(NEW.keyChange(1, 2, 1, 2), NEW.keyChange(2, 4, 2, 9))],
    [1, await own(NEW.keyChange(1, 2, 9, 1))],
    [9, await own(NEW.keyChange(1, 2, 9, 1))],
    [2, await own(NEW.keyChange(1, 2, 1, 2))],
  ] as const) {
    assert.equal(await replacedIn(await signed(signer), notes, changes), AUDIT.origin);
  }
});

test("a log whose keys changed as in others is not doubtful, also if one of both has other steps or more", async () => {
  const [direct, both] = [
    [AUDIT.keyChange(1, 4, 1, 3)],
    [AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 3)],
  ] as const;
  for (const [changes, notes] of [
    [both, await own(NEW.keyChange(1, 2, 1, 2), NEW.keyChange(2, 4, 2, 3))],
    [both, await own(NEW.keyChange(1, 2, 1, 3))], // it was not written meanwhile
    [direct, await own(NEW.keyChange(1, 2, 1, 2), NEW.keyChange(2, 4, 2, 3))],
    [both, await own(NEW.keyChange(1, 2, 1, 2), NEW.keyChange(2, 4, 2, 3), NEW.keyChange(3, 6, 3, 4))],
  ] as const) {
    for (const signer of [1, 3, 4]) {
      assert.equal(await replacedIn(await signed(signer), notes, await seen(...changes)), undefined);
    }
  }
});

test("a key that was replaced and came back is not doubtful", async () => {
  const back = await seen(AUDIT.keyChange(1, 4, 1, 2), AUDIT.keyChange(2, 8, 2, 1));
  assert.equal(await replacedIn(await signed(1), [], back), undefined);
});
