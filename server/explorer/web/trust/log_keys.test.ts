import assert from "node:assert/strict";
import { test } from "node:test";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { fingerprintOf, type Key } from "../proof/keys";
import { MadeLog, madeKey } from "../proof/made_log";
import { ChangesNotTold, type ChangesOf, NotInForce, voucherOf } from "./log_keys";

const ORIGIN = "shop/audit/a";
const LOG = new MadeLog(
  ORIGIN,
  Array.from({ length: 20 }, (_, at) => `entry ${at}`),
);

const at = async (size: number, ...seeds: number[]) => parseCheckpoint(await LOG.checkpoint(size, seeds), "it");
const fingerprint = async (seed: number) => fingerprintOf(await madeKey(seed, ""));

/** The fingerprint of the key that vouches. */
async function voucher(checkpoint: Checkpoint, keys: readonly Key[], changes: ChangesOf, seen?: readonly string[]) {
  const vouched = await voucherOf(checkpoint, keys, changes, seen);
  return vouched && fingerprintOf(vouched.key);
}

test("a key that was replaced does not vouch for what came later, and does for what came before", async () => {
  const changes = async () => [await LOG.keyChange(1, 4, 1, 2)];
  const old = [await madeKey(1, "")];
  assert.equal(await voucher(await at(3, 1), old, changes), await fingerprint(1));
  await assert.rejects(voucher(await at(9, 1), old, changes), NotInForce);
  assert.equal(await voucher(await at(9, 2), old, changes), await fingerprint(1));
  assert.equal(await voucher(await at(9, 2), [await madeKey(2, "")], changes), await fingerprint(2));
  await assert.rejects(voucher(await at(3, 2), [await madeKey(2, "")], changes), NotInForce);
});

test("a key that is named after a log vouches for no other one", async () => {
  const none = async () => [];
  assert.equal(await voucher(await at(9, 1), [await madeKey(1, ORIGIN)], none), await fingerprint(1));
  assert.equal(await voucher(await at(9, 1), [await madeKey(1, "shop/audit/b")], none), undefined);
});

test("key changes are asked for again before a key is called unknown", async () => {
  const asked: boolean[] = [];
  const changes = async (_: unknown, isAgain: boolean) => {
    asked.push(isAgain);
    return isAgain
      ? [await LOG.keyChange(1, 4, 1, 2), await LOG.keyChange(2, 8, 2, 3)]
      : [await LOG.keyChange(1, 4, 1, 2)];
  };
  assert.equal(await voucher(await at(9, 3), [await madeKey(1, "")], changes), await fingerprint(1));
  assert.deepEqual(asked, [false, true]);
});

test("who may not read key changes does not learn that a later key is a wrong one", async () => {
  const notTold = async () => undefined;
  await assert.rejects(voucherOf(await at(9, 2), [await madeKey(1, "")], notTold), ChangesNotTold);
  assert.equal(await voucher(await at(9, 1), [await madeKey(1, "")], notTold), await fingerprint(1));
});

test("a key change that was seen counts, also if the server leaves it out, or tells it to nobody like this reader", async () => {
  const seen = [await LOG.keyChange(1, 4, 1, 2)];
  const old = [await madeKey(1, "")];
  for (const told of [[], undefined]) {
    await assert.rejects(
      voucher(await at(9, 1), old, async () => told, seen),
      NotInForce,
    );
    assert.equal(await voucher(await at(9, 2), old, async () => told, seen), await fingerprint(1));
    assert.equal(await voucher(await at(3, 1), old, async () => told, seen), await fingerprint(1));
  }
});

test("key changes that follow those that were seen are believed, and told to whoever asks", async () => {
  const all = [await LOG.keyChange(1, 4, 1, 2), await LOG.keyChange(2, 8, 2, 3)];
  const vouched = await voucherOf(await at(9, 3), [await madeKey(1, "")], async () => all, all.slice(0, 1));
  assert.deepEqual(vouched?.changes, all);
});

test("whoever stole a key that was replaced cannot replace it by another key than the one that was seen", async () => {
  const seen = [await LOG.keyChange(1, 4, 1, 2)];
  for (const size of [2, 4, 6]) {
    const others = async () => [await LOG.keyChange(1, size, 1, 9)];
    const isOther = (error: unknown) => error instanceof VerificationError && error.code === "KEY_UNKNOWN";
    await assert.rejects(voucher(await at(9, 9), [await madeKey(1, "")], others, seen), isOther);
  }
});

test("a key that came back is in force again, also if that is told only when asked again", async () => {
  const [first, back] = [await LOG.keyChange(1, 4, 1, 2), await LOG.keyChange(2, 8, 2, 1)];
  const changes = async (_: unknown, isAgain: boolean) => (isAgain ? [first, back] : [first]);
  assert.equal(await voucher(await at(9, 1), [await madeKey(1, "")], changes, [first]), await fingerprint(1));
});

test("who may not read key changes, and has seen some, is not told that a key after them is a wrong one", async () => {
  const seen = [await LOG.keyChange(1, 4, 1, 2)];
  const later = voucher(await at(9, 3), [await madeKey(1, "")], async () => undefined, seen);
  await assert.rejects(later, ChangesNotTold);
});
