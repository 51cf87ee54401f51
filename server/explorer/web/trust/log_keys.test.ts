import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCheckpoint } from "../proof/checkpoint";
import { fingerprintOf } from "../proof/keys";
import { MadeLog, madeKey } from "../proof/made_log";
import { ChangesNotTold, voucherOf } from "./log_keys";

const ORIGIN = "shop/audit/a";
const LOG = new MadeLog(
  ORIGIN,
  Array.from({ length: 20 }, (_, at) => `entry ${at}`),
);

const at = async (size: number, ...seeds: number[]) => parseCheckpoint(await LOG.checkpoint(size, seeds), "it");
const fingerprint = async (seed: number) => fingerprintOf(await madeKey(seed, ""));

test("a key that was replaced does not vouch for what came later, and does for what came before", async () => {
  const changes = async () => [await LOG.keyChange(1, 4, 1, 2)];
  const old = [await madeKey(1, "")];
  assert.equal(await voucherOf(await at(3, 1), old, changes), await fingerprint(1));
  assert.equal(await voucherOf(await at(9, 1), old, changes), undefined);
  assert.equal(await voucherOf(await at(9, 2), old, changes), await fingerprint(1));
  assert.equal(await voucherOf(await at(9, 2), [await madeKey(2, "")], changes), await fingerprint(2));
  assert.equal(await voucherOf(await at(3, 2), [await madeKey(2, "")], changes), undefined);
});

test("a key that is named after a log vouches for no other one", async () => {
  const none = async () => [];
  assert.equal(await voucherOf(await at(9, 1), [await madeKey(1, ORIGIN)], none), await fingerprint(1));
  assert.equal(await voucherOf(await at(9, 1), [await madeKey(1, "shop/audit/b")], none), undefined);
});

test("key changes are asked for again before a key is called unknown", async () => {
  const asked: boolean[] = [];
  const changes = async (_: unknown, isAgain: boolean) => {
    asked.push(isAgain);
    return isAgain
      ? [await LOG.keyChange(1, 4, 1, 2), await LOG.keyChange(2, 8, 2, 3)]
      : [await LOG.keyChange(1, 4, 1, 2)];
  };
  assert.equal(await voucherOf(await at(9, 3), [await madeKey(1, "")], changes), await fingerprint(1));
  assert.deepEqual(asked, [false, true]);
});

test("who may not read key changes does not learn that a later key is a wrong one", async () => {
  const notTold = async () => undefined;
  await assert.rejects(voucherOf(await at(9, 2), [await madeKey(1, "")], notTold), ChangesNotTold);
  assert.equal(await voucherOf(await at(9, 1), [await madeKey(1, "")], notTold), await fingerprint(1));
});
