import assert from "node:assert/strict";
import { test } from "node:test";
import { logIdOf } from "../common/log_id";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { MadeLog } from "../proof/made_log";
import { Histories, type HistoryMeans } from "./histories";
import type { KeptCheckpoint, LogFinding } from "./witness";

const ORIGIN = "shop/audit/a";
const ENTRIES = Array.from({ length: 20 }, (_, at) => `entry ${at}`);
const TRUE = new MadeLog(ORIGIN, ENTRIES);
const FORGED = new MadeLog(
  ORIGIN,
  ENTRIES.map((entry, at) => (at === 1 ? "forged" : entry)),
);
/** The same as the true one up to 12 entries. */
const BRANCH = new MadeLog(
  ORIGIN,
  ENTRIES.map((entry, at) => (at === 12 ? "branch" : entry)),
);

class Refusal extends Error {}

const at = async (log: MadeLog, size: number) => parseCheckpoint(await log.checkpoint(size, [1]), "a checkpoint");

/** A browser that keeps the true checkpoint of 10 entries, and a server that proves what `proofs` says. */
async function browser(proofs: MadeLog | undefined, report?: HistoryMeans["report"]) {
  const [note, logId] = [await TRUE.checkpoint(10, [1]), await logIdOf(ORIGIN)];
  const since = "2026-01-01T00:00:00.000Z";
  const state = {
    kept: { logId, origin: ORIGIN, note, keys: [], since, at: since, reader: "alice" } as KeptCheckpoint | undefined,
    proofs,
    asked: [] as string[],
    atOnce: 0,
    now: 0,
    findings: [] as LogFinding[],
    vouchedFor: [] as string[],
    isVouched: true,
  };
  const means: HistoryMeans = {
    keptOf: async () => state.kept,
    replace: async (before, after) => {
      if (state.kept?.note !== before.note) return false;
      state.kept = after;
      return true;
    },
    report: report ?? (async (finding) => void state.findings.push(finding)),
    consistencyProofOf: async (_, first, second) => {
      state.asked.push(`${first}-${second}`);
      state.atOnce += 1;
      assert.equal(state.atOnce, 1, "one proof of a log is asked for at a time");
      await new Promise((resolve) => setImmediate(resolve));
      state.atOnce -= 1;
      if (!state.proofs) throw new Refusal("not now");
      return state.proofs.consistency(Number(first), Number(second));
    },
    requireVouched: async ({ size }, _, changes) => {
      state.vouchedFor.push(`${size} after ${changes.length}`);
      if (!state.isVouched) throw new VerificationError("KEY_UNKNOWN", "nobody vouches for it");
    },
    refusalOf: (error) => (error instanceof Refusal ? { reason: error.message, isFinal: false } : undefined),
    now: () => state.now,
  };
  return { state, histories: new Histories(means) };
}

test("checkpoints of other sizes than the kept one have to be proved, each of them once", async () => {
  const { state, histories } = await browser(TRUE);
  const sizes = [3, 7, 9, 3, 10, 7];
  const found = await Promise.all(sizes.map(async (size) => histories.compare(await at(TRUE, size))));
  assert.deepEqual(found, Array(sizes.length).fill(undefined));
  assert.deepEqual(state.asked, ["3-10", "7-10", "9-10"]);
});

for (const proofs of [TRUE, FORGED]) {
  for (const size of [3, 7, 9, 10, 13]) {
    test(`another history of ${size} entries is refuted, with both notes as evidence, whichever proof is sent (${proofs === TRUE ? "true" : "forged"})`, async () => {
      const { state, histories } = await browser(proofs);
      const kept = state.kept?.note;
      const isForked = (error: unknown) => error instanceof VerificationError && error.code === "LOG_FORKED";
      await assert.rejects(histories.compare(await at(FORGED, size)), isForked);
      assert.deepEqual(
        state.findings.map(({ kind, kept, other }) => [kind, kept, other]),
        [["LOG_FORKED", kept, await FORGED.checkpoint(size, [1])]],
      );
      assert.equal(state.kept?.note, kept);
    });
  }
}

test("another history is refuted, also if its evidence cannot be kept", async () => {
  const { histories } = await browser(TRUE, async () => {
    throw new Error("the disk is full");
  });
  const isForked = (error: unknown) => error instanceof VerificationError && error.code === "LOG_FORKED";
  await assert.rejects(histories.compare(await at(FORGED, 7)), isForked);
});

test("a later checkpoint is kept after its proof, so that two branches after the kept one are told apart", async () => {
  const { state, histories } = await browser(BRANCH);
  assert.equal(await histories.compare(await at(BRANCH, 15)), undefined);
  assert.equal(state.kept?.note, await BRANCH.checkpoint(15, [1]));
  state.proofs = TRUE;
  await assert.rejects(histories.compare(await at(TRUE, 17)), VerificationError);
});

test("a proof that is refused leaves the history uncompared, and is asked for again after a while", async () => {
  const { state, histories } = await browser(undefined);
  for (const size of [7, 9, 7]) assert.equal(await histories.compare(await at(TRUE, size)), "not now");
  assert.equal(state.asked.length, 1);
  state.proofs = TRUE;
  state.now = 60_000;
  assert.equal(await histories.compare(await at(TRUE, 7)), undefined);
});

test("a log of which nothing is kept is not compared", async () => {
  const { state, histories } = await browser(TRUE);
  state.kept = undefined;
  assert.match((await histories.compare(await at(TRUE, 7))) ?? "", /keeps no checkpoint/);
  assert.deepEqual(state.asked, []);
});

test("a mistake is not a refusal", async () => {
  const { state, histories } = await browser(TRUE);
  Object.defineProperty(state, "kept", {
    get() {
      throw new TypeError("a mistake");
    },
  });
  await assert.rejects(histories.compare(await at(TRUE, 7)), TypeError);
});

test("key changes are kept with a later checkpoint, and those of an earlier one beside the kept checkpoint", async () => {
  for (const size of [7, 13]) {
    const { state, histories } = await browser(TRUE);
    const change = await TRUE.keyChange(1, 5, 1, 2);
    assert.equal(await histories.compare(await at(TRUE, size), [change]), undefined);
    assert.deepEqual(state.kept?.changes, [change]);
    assert.equal(state.kept?.note, await TRUE.checkpoint(Math.max(size, 10), [1]));
    assert.equal(await histories.compare(await at(TRUE, 15), []), undefined);
    assert.deepEqual(state.kept?.changes, [change]);
  }
});

test("a later checkpoint is kept only if a key that is believed vouches for it", async () => {
  const { state, histories } = await browser(TRUE);
  const kept = state.kept?.note;
  state.isVouched = false;
  await assert.rejects(histories.compare(await at(TRUE, 15)), VerificationError);
  assert.equal(state.kept?.note, kept);
  state.isVouched = true;
  assert.equal(await histories.compare(await at(TRUE, 15)), undefined);
  assert.equal(state.kept?.note, await TRUE.checkpoint(15, [1]));
});

test("a checkpoint whose signature was checked before a key change was seen is checked again after it", async () => {
  const { state, histories } = await browser(TRUE);
  assert.equal(await histories.compare(await at(TRUE, 7)), undefined);
  assert.deepEqual(state.vouchedFor, []);
  if (state.kept) state.kept = { ...state.kept, changes: ["a key change"] };
  state.isVouched = false;
  await assert.rejects(histories.compare(await at(TRUE, 8)), VerificationError);
  assert.deepEqual(state.vouchedFor, ["8 after 1"]);
});
