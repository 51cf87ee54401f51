import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../shared/entry";
import { leafRows } from "./leaf_rows";

test("missing leaves have their place between the records", () => {
  const entry = (leaf: string) => ({ evidence: { leafIndex: leaf } }) as Entry;
  const rows = leafRows([entry("8"), entry("9"), entry("11")], ["10", "12"]);
  assert.deepEqual(
    rows.map((row) => ("missing" in row ? `missing ${row.missing}` : row.entry.evidence?.leafIndex)),
    ["8", "9", "missing 10", "11", "missing 12"],
  );
});
