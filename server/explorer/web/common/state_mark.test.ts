import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "./entry";
import { type Mark, markOf, SHAPES } from "./state_mark";

test("each state has a shape of its own, and no two are circles that differ in their line alone", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
  assert.equal(shapes.filter((shape) => "○◌◯⚪".includes(shape)).length, 1);
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
