import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../common/entry";
import { entryAt, leafOf, rivalsOf } from "./places";

const LEAF = "52ee01323c348f62#7";
const entry = (key: string) => ({ key }) as Entry;
const genuine = entry(`${LEAF}#${"a".repeat(64)}`);
const forged = entry(`${LEAF}#${"a".repeat(8)}${"b".repeat(56)}`);
const other = entry(`52ee01323c348f62#70#${"c".repeat(64)}`);

test("each of the rows that claim a leaf is opened by its own place", () => {
  const entries = [genuine, other, forged];
  assert.equal(entryAt(entries, forged.key), forged);
  assert.equal(entryAt(entries, genuine.key), genuine);
  assert.deepEqual(rivalsOf(entries, genuine), [forged]);
});

test("a place without a hash is that of the first row with this leaf, and of no other leaf", () => {
  assert.equal(entryAt([other, forged, genuine], LEAF), forged);
  assert.equal(entryAt([other], LEAF), undefined);
});

test("rows in no log have no leaf", () => {
  assert.equal(leafOf("span 4bf9 00f0 1"), undefined);
  assert.equal(leafOf(`${LEAF}#x`), undefined);
});
