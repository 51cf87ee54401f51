import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "./entry";
import { type Mark, markOf, SHAPES } from "./state_mark";

test("each state has a shape of its own, and no two differ in their line alone or are mirrored or turned", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
  for (const family of ["○◌◯⚪", "◐◑◒◓◖◗", "▢□◻☐", "✔✓☑"]) {
    assert.equal(shapes.filter((shape) => family.includes(shape)).length, 1, family);
  }
});

test("no mark states as a fact what only the server says", () => {
  const entry = { stream: "audit", evidence: { state: "SIGNED", reason: "", isExpected: false } } as Entry;
  assert.match(markOf(entry, { kind: "waiting" }).detail, /^the server says/);
});

test("only spans and records of streams that are not signed may calmly be without evidence", () => {
  const markIn = (stream: Entry["stream"], evidence: object | undefined): Mark["kind"] =>
    markOf({ stream, evidence } as Entry, { kind: "unproved", reason: "" }).kind;
  const unsigned = { state: "UNSIGNED", reason: "its stream is not signed", isExpected: true };
  const strange = { state: "EVIDENCE_STATE_UNSPECIFIED", reason: "", isExpected: true };
  assert.deepEqual(
    (["spans", "operational", "audit"] as const).map((stream) =>
      [undefined, unsigned, { ...unsigned, isExpected: false }, strange].map((evidence) => markIn(stream, evidence)),
    ),
    [
      ["expected", "expected", "unsigned", "unsigned"],
      ["unsigned", "expected", "unsigned", "unsigned"],
      ["unsigned", "unsigned", "unsigned", "unsigned"],
    ],
  );
});
