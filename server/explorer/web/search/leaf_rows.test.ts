import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../common/entry";
import { leafRows } from "./leaf_rows";

test("missing leaves have their place between the records", () => {
  const entry = (leaf: string) => ({ evidence: { leafIndex: leaf } }) as Entry;
  const rows = leafRows([entry("8"), entry("9"), entry("11")], ["10", "12"]);
  assert.deepEqual(
    rows.map((row) =>
      "entry" in row ? row.entry.evidence?.leafIndex : "missing" in row ? `missing ${row.missing}` : row,
    ),
    ["8", "9", "missing 10", "11", "missing 12"],
  );
});

test("leaves between the records that the server neither shows nor names are rows, too", () => {
  const entry = (leaf: string) => ({ evidence: { leafIndex: leaf } }) as Entry;
  const far = String(10n ** 17n);
  const rows = leafRows([entry("5"), entry("9"), entry("9"), entry("11"), entry(far)], ["7"]);
  assert.deepEqual(
    rows.map((row) => ("entry" in row ? row.entry.evidence?.leafIndex : row)),
    [
      "5",
      { unshown: ["6", "6"] },
      { missing: "7" },
      { unshown: ["8", "8"] },
      "9",
      "9",
      { unshown: ["10", "10"] },
      "11",
      { unshown: ["12", String(10n ** 17n - 1n)] },
      far,
    ],
  );
});
