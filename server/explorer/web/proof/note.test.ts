import assert from "node:assert/strict";
import { test } from "node:test";
import { MadeLog } from "./made_log";
import { distinctNotes } from "./note";

test("notes of one text are one, whatever their signatures; others stay in their order", async () => {
  const log = new MadeLog(
    "shop/audit/a",
    Array.from({ length: 9 }, (_, at) => `entry ${at}`),
  );
  const [first, second] = [await log.keyChange(1, 4, 1, 2), await log.keyChange(2, 8, 2, 3)];
  const lines = first.trimEnd().split("\n");
  const copy = `${lines.slice(0, -1).join("\n")}\n`; // without its last signature
  assert.notEqual(copy, first);
  assert.deepEqual(distinctNotes([first, copy, second, first, second]), [first, second]);
  assert.deepEqual(distinctNotes([]), []);
});
