import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../common/entry";
import { NOW, record, START, span } from "./fixtures";
import { type Layout, layoutOf } from "./layout";

const MS = 1_000_000;
const shape = ({ rows }: Layout) =>
  rows.map(({ depth, kind, entry, spanId }) => `${"  ".repeat(depth)}${nameOf(kind, entry, spanId)}`);
const nameOf = (kind: string, entry: Entry | undefined, spanId: string) =>
  entry?.stream === "spans" ? entry.span.name : entry ? `${kind} ${entry.record.body}` : `missing ${spanId}`;
const row = (layout: Layout, name: string) => {
  const found = layout.rows.find(({ kind, entry, spanId }) => nameOf(kind, entry, spanId) === name);
  assert.ok(found, `no row ${name}`);
  return found;
};

test("entries are under their span, in order of time, whatever order they come in", () => {
  const entries = [
    record({ at: 30, span: "b", body: "late" }),
    span({ id: "b", parent: "a", at: 20, took: 20 }),
    record({ at: 5, span: "a", body: "early", actor: "bob" }),
    span({ id: "a", took: 100 }),
    span({ id: "c", parent: "a", at: 10 }),
  ];
  const wanted = ["a", "  audit early", "  c", "  b", "    log late"];
  assert.deepEqual(shape(layoutOf(entries, NOW)), wanted);
  assert.deepEqual(shape(layoutOf(entries.toReversed(), NOW)), wanted);
});

test("a row knows its place in the tree", () => {
  const layout = layoutOf(
    [span({ id: "a", took: 90 }), span({ id: "b", parent: "a" }), record({ at: 1, span: "b" })],
    NOW,
  );
  assert.deepEqual(
    layout.rows.map(({ parent, size, place, places, depth }) => [parent, size, place, places, depth]),
    [
      [-1, 2, 1, 1, 0],
      [0, 1, 1, 1, 1],
      [1, 0, 1, 1, 2],
    ],
  );
});

test("a missing parent has a row of its own, once, around what is under it", () => {
  const layout = layoutOf(
    [
      span({ id: "a", parent: "gone", at: 10, took: 5 }),
      span({ id: "b", parent: "gone", at: 30, took: 10 }),
      record({ at: 50, span: "gone", body: "in it" }),
    ],
    NOW,
  );
  assert.deepEqual(shape(layout), ["missing gone", "  a", "  b", "  log in it"]);
  const missing = row(layout, "missing gone");
  assert.deepEqual([missing.begin, missing.end, missing.id], [0, 40 * MS, "missing.gone"]);
});

test("spans that are each other's parents are shown, the earliest as the first", () => {
  const layout = layoutOf(
    [
      span({ id: "b", parent: "a", at: 5 }),
      span({ id: "a", parent: "c", at: 1 }),
      span({ id: "c", parent: "b", at: 9 }),
    ],
    NOW,
  );
  assert.deepEqual(shape(layout), ["a", "  b", "    c"]);
  assert.deepEqual(row(layout, "a").notes, ["cycle"]);
});

test("a span that is its own parent is shown once", () => {
  const layout = layoutOf([span({ id: "a", parent: "a" })], NOW);
  assert.deepEqual(shape(layout), ["a"]);
  assert.deepEqual(row(layout, "a").notes, ["cycle"]);
});

test("of spans with the same ID, the one of the same service is the parent", () => {
  const layout = layoutOf(
    [
      span({ id: "s", name: "client end", service: "shop", took: 50 }),
      span({ id: "s", name: "server end", service: "bank", at: 5, took: 30 }),
      span({ id: "x", parent: "s", service: "bank", at: 6 }),
      record({ at: 2, span: "s", service: "shop", body: "sent" }),
    ],
    NOW,
  );
  assert.deepEqual(shape(layout), ["client end", "  log sent", "server end", "  x"]);
  assert.deepEqual(row(layout, "client end").notes, ["duplicate span"]);
  assert.deepEqual(row(layout, "server end").notes, ["duplicate span"]);
});

test("a child that begins before its parent stays at its time, with a note", () => {
  const layout = layoutOf([span({ id: "a", at: 10 }), span({ id: "b", parent: "a", at: 7 })], NOW);
  assert.deepEqual(shape(layout), ["a", "  b"]);
  assert.deepEqual(row(layout, "b").notes, ["begins before its parent"]);
  assert.equal(row(layout, "b").begin, 0);
  assert.equal(row(layout, "a").begin, 3 * MS);
});

test("spans without an end, and with one before their beginning, are told apart from those without a duration", () => {
  const layout = layoutOf(
    [
      span({ id: "zero", took: 0 }),
      span({ id: "open", took: 0, details: '{"end":"0"}' }),
      span({ id: "back", took: 0, details: '{"end":"123"}' }),
    ],
    NOW,
  );
  assert.deepEqual(row(layout, "zero").notes, []);
  assert.deepEqual(row(layout, "open").notes, ["no end"]);
  assert.deepEqual(row(layout, "back").notes, ["ends before it begins"]);
});

test("times of 1970 and 2100 do not stretch the axis", () => {
  const layout = layoutOf(
    [
      span({ id: "a", took: 100 }),
      span({ id: "old", parent: "a", at: 1_000_000_000n }),
      record({ at: 4_102_444_800_000_000_000n, span: "a", body: "new" }),
    ],
    NOW,
  );
  assert.deepEqual([layout.base, layout.first, layout.last, layout.implausible], [START, 0, 100 * MS, 2]);
  assert.ok(row(layout, "old").notes.includes("implausible time"));
  assert.equal(row(layout, "log new").isPlausible, false);
});

test("if no time is plausible, the axis is that of the times there are", () => {
  const layout = layoutOf([span({ id: "a", at: 1_000_000_000n, took: 5 })], NOW);
  assert.deepEqual([layout.base, layout.last, layout.implausible], [1_000_000_000n, 5 * MS, 1]);
});

test("an entry without a known span is at its time under the span without a parent that ran then", () => {
  const layout = layoutOf(
    [
      span({ id: "a", took: 100 }),
      span({ id: "b", at: 200, took: 100 }),
      span({ id: "c", parent: "a", at: 60 }),
      record({ at: 50, body: "in a" }),
      record({ at: 150, body: "between" }),
      record({ at: 250, span: "unknown", body: "in b" }),
    ],
    NOW,
  );
  assert.deepEqual(shape(layout), ["a", "  log in a", "  c", "log between", "b", "  log in b"]);
  assert.deepEqual(row(layout, "log in a").notes, ["no span"]);
  assert.deepEqual(row(layout, "log in b").notes, ["unknown span"]);
});

test("the own time of a span leaves out its child spans, also where they overlap or reach beyond it", () => {
  const layout = layoutOf(
    [
      span({ id: "a", took: 100 }),
      span({ id: "b", parent: "a", at: 10, took: 20 }),
      span({ id: "c", parent: "a", at: 20, took: 20 }),
      span({ id: "d", parent: "a", at: 90, took: 50 }),
      record({ at: 50, span: "a" }),
    ],
    NOW,
  );
  assert.equal(row(layout, "a").own, 60 * MS);
  assert.equal(row(layout, "d").own, 50 * MS);
});

test("identities are unique, and the same when the trace is read again", () => {
  const twice = span({ id: "a" });
  const entries = [twice, twice, span({ id: "b", inLog: false }), span({ id: "b", inLog: false })];
  const ids = layoutOf(entries, NOW).rows.map(({ id }) => id);
  assert.equal(new Set(ids).size, 4);
  assert.deepEqual(
    layoutOf(entries, NOW).rows.map(({ id }) => id),
    ids,
  );
});

test("a chain of 20,000 spans is laid out", () => {
  const entries = Array.from({ length: 20_000 }, (_, at) => span({ id: `${at}`, parent: at ? `${at - 1}` : "" }));
  const { rows } = layoutOf(entries, NOW);
  assert.equal(rows.at(-1)?.depth, 19_999);
  assert.equal(rows[0]?.size, 19_999);
});

test("no entries have an empty layout", () => {
  assert.deepEqual(layoutOf([], NOW), { rows: [], base: 0n, first: 0, last: 0, implausible: 0 });
});

test("very many spans with one ID, each with a child of another service, are laid out", { timeout: 20_000 }, () => {
  const twins = Array.from({ length: 20_000 }, (_, at) => span({ id: "twin", at, service: `s${at}` }));
  const children = Array.from({ length: 20_000 }, (_, at) =>
    span({ id: `c${at}`, parent: "twin", at, service: "other" }),
  );
  const { rows } = layoutOf([...twins, ...children], NOW);
  assert.equal(rows.length, 40_000);
  assert.deepEqual(rows.filter(({ notes }) => notes.includes("duplicate span")).length, 20_000);
  assert.equal(rows.filter(({ notes }) => notes.filter((note) => note === "duplicate span").length > 1).length, 0);
});
