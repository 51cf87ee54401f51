import assert from "node:assert/strict";
import { test } from "node:test";
import type { Neighbours, TimelineEntry } from "../api/types";
import { entryOf } from "../common/entry";
import { type Question, rowsOf } from "./neighbour_rows";

const LOG = "aaaaaaaaaaaaaaaa";

function message(leaf: string, logId = LOG): TimelineEntry {
  const evidence = { logId, origin: `shop/audit/${logId[0]}`, leafIndex: leaf, treeSize: "12", recordHash: "00" };
  return { timestamp: "2026-11-30T16:00:00Z", auditEvent: { evidence, audit: {} } } as unknown as TimelineEntry;
}

const FIVE: Question = { entry: entryOf(message("5")), way: "leaf", around: 3, size: 0n };
const ANSWER = {
  by: "leaf",
  record: message("5"),
  before: ["2", "3", "4"].map((leaf) => message(leaf)),
  after: ["6", "7", "8"].map((leaf) => message(leaf)),
  missingLeaves: [] as string[],
  moreBefore: false,
  moreAfter: false,
} as unknown as Neighbours;
const shown = (answer: Partial<Neighbours>, question: Partial<Question> = {}) => {
  const { rows, moreBefore, moreAfter } = rowsOf({ ...ANSWER, ...answer }, { ...FIVE, ...question });
  const names = rows.map((row) =>
    "entry" in row ? row.entry.evidence?.leafIndex : "missing" in row ? `missing ${row.missing}` : `? ${row.unshown}`,
  );
  return [names.join(" "), moreBefore, moreAfter];
};

test("all leaves around a record are there, and the log goes on as far as its checkpoints, whatever the server says", () => {
  assert.deepEqual(shown({}), ["2 3 4 5 6 7 8", true, true]);
});

test("leaves that the server leaves out at both ends are shown as such", () => {
  assert.deepEqual(shown({ before: [], after: [] }), ["? 2,4 5 ? 6,8", true, true]);
  assert.deepEqual(shown({ before: [message("3")], after: [message("6")] }), ["? 2,2 3 ? 4,4 5 6 ? 7,8", true, true]);
});

test("the leaves end where the log begins, and where it ends by the largest checkpoint that is known", () => {
  const one = { entry: entryOf(message("1")) };
  const answer = { record: message("1"), before: [], after: [message("2")] };
  assert.deepEqual(shown(answer, one), ["? 0,0 1 2 ? 3,4", false, true]);
  const last = { entry: entryOf(message("11")) };
  const end = { record: message("11"), before: ["8", "9", "10"].map((leaf) => message(leaf)), after: [] };
  assert.deepEqual(shown(end, last), ["8 9 10 11", true, false]);
  assert.deepEqual(shown(end, { ...last, size: 13n }), ["8 9 10 11 ? 12,12", true, false]);
  assert.deepEqual(shown({ ...end, moreAfter: true }, last), ["8 9 10 11 ? 12,14", true, true]);
});

test("leaves that the server names as missing have rows, and none is of another part of the log", () => {
  assert.deepEqual(shown({ after: [], missingLeaves: ["6", "8"] }), ["2 3 4 5 missing 6 ? 7,7 missing 8", true, true]);
  assert.throws(() => shown({ missingLeaves: ["99"] }), /leaf 99, which was not asked for/);
  assert.throws(() => shown({ missingLeaves: ["x"] }), /"x" the number of a leaf/);
  assert.throws(() => shown({ after: [message("9")] }), /leaf 9, which was not asked for/);
});

test("an answer by another property, about another record or with records of other logs is refused", () => {
  assert.throws(() => shown({ by: "time" }), /by leaf, and answered by time/);
  assert.throws(() => shown({ record: message("6") }), /another record/);
  assert.throws(() => shown({ after: [message("6", "bbbbbbbbbbbbbbbb")] }), /not of this log.*shop\/audit\/b/);
});

test("the record itself stands among its neighbours, also if the server leaves it out", () => {
  assert.deepEqual(shown({ record: undefined }), ["2 3 4 5 6 7 8", true, true]);
  const byTime = { by: "time", record: undefined, before: [message("9")], after: [message("1")] };
  assert.deepEqual(shown(byTime, { way: "time" }), ["9 5 1", false, false]);
});
