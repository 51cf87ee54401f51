import assert from "node:assert/strict";
import { test } from "node:test";
import { keepFinding, noteAcknowledged } from "./findings";
import { logFindings } from "./state";
import type { LogFinding } from "./witness";

// Without IndexedDB, findings are kept as long as the module.
let found = 0;
function finding(kind: LogFinding["kind"], other: string | undefined, logId = "a"): LogFinding {
  found += 1;
  const at = new Date(Date.UTC(2026, 1) + found * 1000).toISOString();
  return {
    id: `${logId} ${kind} ${at}`,
    kind,
    origin: "shop/audit/a",
    logId,
    message: "it is",
    at,
    kept: "kept",
    other,
  };
}

const open = () => logFindings.value.filter(({ acknowledged }) => !acknowledged);

async function acknowledgeAll(): Promise<void> {
  for (const { id } of open()) await noteAcknowledged(id, "2026-01-01T00:00:00Z");
}

test("of a log and kind, one finding is open, also if several are found at once", async () => {
  await Promise.all([1, 2, 3].map((number) => keepFinding(finding("LOG_FORKED", `note ${number}`))));
  assert.equal(open().length, 1);
  await keepFinding(finding("LOG_FORKED", "note", "b"));
  await keepFinding(finding("LOG_TRUNCATED", "note"));
  assert.equal(open().length, 3);
  await acknowledgeAll();
  assert.equal(open().length, 0);
  assert.equal(logFindings.value.length, 3);
});

test("a log that is cut or forked again is a finding again, also with evidence that was acknowledged", async () => {
  for (const kind of ["LOG_TRUNCATED", "LOG_FORKED", "LOG_MISSING", "BATCH_ALTERED"] as const) {
    for (const _ of [1, 2]) {
      await keepFinding(finding(kind, kind === "LOG_MISSING" ? undefined : "the same note", "c"));
      assert.deepEqual(
        open().map((each) => each.kind),
        [kind],
      );
      await acknowledgeAll();
    }
  }
});

test("a key that was not in force is a finding again with other evidence only", async () => {
  await keepFinding(finding("BATCH_FOREIGN_SIGNED", "note 1", "d"));
  await acknowledgeAll();
  await keepFinding(finding("BATCH_FOREIGN_SIGNED", "note 1", "d"));
  assert.equal(open().length, 0);
  await keepFinding(finding("BATCH_FOREIGN_SIGNED", "note 2", "d"));
  assert.equal(open().length, 1);
});

test("a finding of a comparison that began before the acknowledgement is not a new one", async () => {
  const [one, again] = [finding("LOG_FORKED", "note", "e"), finding("LOG_FORKED", "note", "e")];
  await keepFinding(one);
  await noteAcknowledged(one.id, "2027-01-01T00:00:00Z");
  await keepFinding(again);
  assert.deepEqual(
    open().filter(({ logId }) => logId === "e"),
    [],
  );
});
