import assert from "node:assert/strict";
import { test } from "node:test";
import { type Collapsed, EVERYTHING, type Filter, isDoubtful, nextRow, revealed, visibleOf } from "./filter";
import { NOW, record, span } from "./fixtures";
import { layoutOf, type Row } from "./layout";

const NONE: Collapsed = { isAll: false, except: new Set<string>() };
const layout = layoutOf(
  [
    span({ id: "root", took: 100 }),
    span({ id: "pay", parent: "root", at: 10, took: 20, service: "bank", status: "Error" }),
    record({ at: 15, span: "pay", service: "bank", body: "Card Refused", attributes: { "card.kind": "debit" } }),
    record({ at: 16, span: "pay", service: "bank", actor: "bob", outcome: "failure" }),
    span({ id: "ship", parent: "root", at: 50, took: 20 }),
    record({ at: 60, span: "ship", severity: 17, body: "no label" }),
  ],
  NOW,
);
const nameOf = ({ entry }: Row) => (entry?.stream === "spans" ? entry.span.name : (entry?.record.body ?? "?"));
const shown = (filter: Partial<Filter>, collapsed = NONE) =>
  visibleOf(layout, { ...EVERYTHING, ...filter }, collapsed).indexes.map((index) => nameOf(layout.rows[index] as Row));
const matching = (filter: Partial<Filter>) => {
  const { matches } = visibleOf(layout, { ...EVERYTHING, ...filter }, NONE);
  return layout.rows.filter((_, index) => matches[index]).map(nameOf);
};

test("without a filter, everything is shown and matches", () => {
  const { indexes, count } = visibleOf(layout, EVERYTHING, NONE);
  assert.deepEqual([indexes.length, count], [6, 6]);
});

test("a match is shown with the spans around it, which do not match", () => {
  assert.deepEqual(shown({ text: "refused" }), ["root", "pay", "Card Refused"]);
  assert.deepEqual(matching({ text: "refused" }), ["Card Refused"]);
});

test("text is found in names, bodies, attributes and IDs, whatever its case", () => {
  assert.deepEqual(matching({ text: "card.kind=DEBIT" }), ["Card Refused"]);
  assert.deepEqual(matching({ text: "SHIP" }), ["ship", "no label"]);
  assert.deepEqual(matching({ text: "bob role.grant" }), ["said"]);
});

test("errors are logs of severity ERROR, audit events that failed, and spans with an error", () => {
  assert.deepEqual(matching({ errors: true }), ["pay", "said", "no label"]);
});

test("kinds and services are filters", () => {
  assert.deepEqual(matching({ kinds: "audit" }), ["said"]);
  assert.deepEqual(matching({ kinds: "records" }), ["Card Refused", "said", "no label"]);
  assert.deepEqual(matching({ kinds: "spans" }), ["root", "pay", "ship"]);
  assert.deepEqual(matching({ service: "bank", kinds: "spans" }), ["pay"]);
});

test("a zoomed time leaves out what did not happen in it", () => {
  assert.deepEqual(matching({ time: { from: 40e6, to: 55e6 } }), ["root", "ship"]);
});

test("entries that cannot be proved are shown whatever the filters", () => {
  const doubtful = layoutOf([span({ id: "a" }), record({ at: 1, state: "TAMPERED", body: "changed" })], NOW);
  const { matches } = visibleOf(doubtful, { ...EVERYTHING, kinds: "spans", text: "a" }, NONE);
  assert.deepEqual([...matches], [1, 1]);
  assert.equal(isDoubtful(record({ state: "SIGNED" })), false);
  assert.equal(isDoubtful(record({ state: "UNSIGNED" })), true);
  assert.equal(isDoubtful(span({ id: "a", inLog: false })), false);
  assert.equal(isDoubtful({ ...record({ actor: "bob" }), evidence: undefined }), true);
});

test("so are entries that this browser refuted", () => {
  const plain = layoutOf([span({ id: "a" }), record({ at: 1, body: "changed" })], NOW);
  const key = plain.rows[1]?.entry?.key ?? "";
  const { matches } = visibleOf(plain, { ...EVERYTHING, kinds: "spans" }, NONE, new Set([key]));
  assert.deepEqual([...matches], [1, 1]);
});

test("a collapsed span hides what is under it, and matches in it still count", () => {
  assert.deepEqual(shown({}, { isAll: false, except: new Set(["pay"]) }), ["root", "pay", "ship", "no label"]);
  const { count } = visibleOf(layout, { ...EVERYTHING, errors: true }, { isAll: false, except: new Set(["root"]) });
  assert.equal(count, 3);
});

test("with all collapsed, spans without a parent are open, and exceptions the other way round", () => {
  assert.deepEqual(shown({}, { isAll: true, except: new Set() }), ["root", "pay", "ship"]);
  assert.deepEqual(shown({}, { isAll: true, except: new Set(["ship"]) }), ["root", "pay", "ship", "no label"]);
  assert.deepEqual(shown({}, { isAll: true, except: new Set(["root"]) }), ["root"]);
});

test("a row in collapsed spans is revealed by opening only those around it", () => {
  const index = layout.rows.findIndex((row) => nameOf(row) === "no label");
  const all = revealed(layout, index, { isAll: true, except: new Set() });
  assert.deepEqual(shown({}, all), ["root", "pay", "ship", "no label"]);
  const some = revealed(layout, index, { isAll: false, except: new Set(["root", "pay", "ship"]) });
  assert.deepEqual([...some.except], ["pay"]);
});

test("the next row of a kind is found in both directions, around the end, among those that match", () => {
  const all = visibleOf(layout, EVERYTHING, NONE);
  const isRecord = ({ kind }: Row) => kind === "log";
  const names = (from: number, step: 1 | -1, visible = all) => {
    const index = nextRow(layout, visible, from, step, isRecord);
    return index === undefined ? undefined : nameOf(layout.rows[index] as Row);
  };
  assert.equal(names(-1, 1), "Card Refused");
  assert.equal(names(2, 1), "no label");
  assert.equal(names(5, 1), "Card Refused");
  assert.equal(names(-1, -1), "no label");
  assert.equal(names(2, -1), "no label");
  assert.equal(names(-1, 1, visibleOf(layout, { ...EVERYTHING, kinds: "spans" }, NONE)), undefined);
});
