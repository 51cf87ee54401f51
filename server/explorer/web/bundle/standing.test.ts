import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../proof/bundle";
import { utf8 } from "../proof/bytes";
import { ED25519, keyOf, ML_DSA_44, verifierKeyOf } from "../proof/keys";
import { claimedKeys, recordIn, type Standing, shownSteps, standingOf } from "./standing";

const report = (...steps: [string, boolean, string][]): Report => ({
  isProved: steps.every(([, ok]) => ok),
  steps: steps.map(([name, ok, detail]) => ({ name, ok, detail })),
  disclosed: new Map(),
  notChecked: [],
});
const states = (standing: Standing) => shownSteps(standing).map(({ name, state }) => `${name}: ${state}`);

const SIGNED: [string, boolean, string] = ["signature", true, "the checkpoint is signed by shop/audit/a+00000000"];

test("a signature holds only by a key that the reader gave", () => {
  const unpinned = { kind: "unpinned", report: report(SIGNED) } as const;
  assert.deepEqual(states(unpinned), ["signature: open"]);
  assert.match(shownSteps(unpinned)[0]?.detail ?? "", /only this file says whose key that is$/);
  assert.deepEqual(states({ kind: "refuted", isPinned: false, report: report(SIGNED) }), ["signature: open"]);
  assert.deepEqual(states({ kind: "refuted", isPinned: true, report: report(SIGNED) }), ["signature: holds"]);
  assert.deepEqual(states({ kind: "proved", report: report(SIGNED) }), ["signature: holds"]);
});

test("steps in which nothing was checked are not said to hold", () => {
  const steps = report(
    ["key changes", true, "there are none"],
    ["record.json", false, "it is not read, because record.bin is large and is not proved"],
    ["witnesses", true, "no witness was given"],
    ["disclosures", true, "the record has no commitments to values; its sender wrote 1 text like a commitment"],
    ["inclusion", false, "the inclusion proof does not lead from the record to the checkpoint's root hash"],
  );
  assert.deepEqual(states({ kind: "refuted", isPinned: true, report: steps }), [
    "key changes: nothing",
    "record.json: skipped",
    "witnesses: skipped",
    "disclosures: nothing",
    "inclusion: fails",
  ]);
});

test("of the keys that a bundle names, those of Ed25519 are used to find damage; without any, none is", async () => {
  const own = await keyOf("shop/audit/a", ED25519, new Uint8Array(32).fill(1));
  const quantum = await keyOf("shop/audit/a", ML_DSA_44, new Uint8Array(1312).fill(2));
  const listed = utf8(`${verifierKeyOf(own)}\n${verifierKeyOf(quantum)}\n`);
  assert.deepEqual(await claimedKeys({ "verifier-keys.txt": listed }), [own]);
  assert.deepEqual(await claimedKeys({}), []);
  assert.deepEqual(await claimedKeys({ "verifier-keys.txt": utf8("hello") }), []);
});

test("an empty bundle is refuted and has no record", async () => {
  const standing = await standingOf({}, { keys: [], witnesses: [] });
  assert.equal(standing.kind, "refuted");
  assert.match(standing.report.steps[0]?.detail ?? "", /^missing: record\.bin/);
  assert.equal(await recordIn({}), undefined);
});
