import assert from "node:assert/strict";
import { test } from "node:test";
import { collapsedChanges, collapsedOf, filterOf, zoomChanges, zoomOf } from "./address";
import { axisOf, placeOf, ticksOf, zoomed } from "./axis";
import { NOW, record, START, span } from "./fixtures";
import { layoutOf } from "./layout";
import { areaOf, minimapOf } from "./minimap";
import { offsetText, sentencesOf, tickText } from "./notes";
import { quietPeriods } from "./quiet";
import { summaryOf } from "./summary";

const layout = layoutOf(
  [
    span({ id: "root", took: 1000 }),
    span({ id: "a", parent: "root", at: 0, took: 200 }),
    record({ at: 250, span: "root", actor: "bob", outcome: "failure" }),
    span({ id: "b", parent: "root", at: 600, took: 400, service: "bank" }),
    span({ id: "c", parent: "gone", at: 700, took: 1, inLog: false }),
    record({ at: 900, span: "b", state: "TAMPERED" }),
  ],
  NOW,
);

test("the axis is never empty", () => {
  assert.deepEqual(axisOf(layoutOf([record({})], NOW), undefined), { from: 0, to: 1000 });
});

test("bars are cut at the ends of the axis, and say so", () => {
  assert.deepEqual(placeOf({ from: 100, to: 200 }, 50, 150), { left: 0, width: 50, isBefore: true, isAfter: false });
  assert.deepEqual(placeOf({ from: 100, to: 200 }, 150, 1e18), { left: 50, width: 50, isBefore: false, isAfter: true });
});

test("marks on the axis are round times, and few", () => {
  assert.deepEqual(ticksOf({ from: 0, to: 1e9 }), [0, 2e8, 4e8, 6e8, 8e8]);
  assert.deepEqual(ticksOf({ from: 61e6, to: 62e6 }, 3), [61e6, 61.5e6]);
  assert.equal(tickText(2e8, 2e8), "200 ms");
  assert.equal(tickText(61.5e6, 0.5e6), "61.5 ms");
  assert.equal(tickText(0, 1), "0");
  assert.equal(tickText(120e9, 60e9), "2 min");
});

test("times have more digits if the axis needs them", () => {
  assert.equal(offsetText(61_841_234), "+61.8 ms");
  assert.equal(offsetText(61_841_234, 1000), "+61.841 ms");
  assert.equal(offsetText(-3e6), "-3 ms");
  assert.equal(offsetText(0), "0");
});

test("zooming keeps what is under the cursor where it is, within the trace", () => {
  const whole = axisOf(layout, undefined);
  assert.deepEqual(zoomed(layout, whole, 500e6, 0.5), { from: 250e6, to: 750e6 });
  assert.deepEqual(zoomed(layout, whole, 0, 0.5), { from: 0, to: 500e6 });
  assert.equal(zoomed(layout, { from: 250e6, to: 750e6 }, 500e6, 4), undefined);
});

test("the address keeps filter, zoom and collapsed spans", () => {
  const query = new URLSearchParams("kinds=audit&errors=1&service=bank&text=x");
  for (const [name, value] of Object.entries(zoomChanges({ from: 1, to: 2_000_001 }, START)))
    query.set(name, value ?? "");
  const time = { from: 1, to: 2_000_001 };
  assert.equal(query.get("from"), "2026-11-30T16:00:00.000000001Z");
  assert.deepEqual(filterOf(query, START), { kinds: "audit", errors: true, service: "bank", text: "x", time });
  for (const collapsed of [
    { isAll: false, except: new Set<string>() },
    { isAll: false, except: new Set(["a1", "b2"]) },
    { isAll: true, except: new Set(["a1"]) },
  ]) {
    const { collapsed: text = "" } = collapsedChanges(collapsed);
    assert.deepEqual(collapsedOf(new URLSearchParams({ collapsed: text })), collapsed);
  }
});

test("addresses that make no sense are those of the whole trace", () => {
  assert.equal(zoomOf(new URLSearchParams("from=yesterday&to=x"), START), undefined);
  const turned = new URLSearchParams({ from: "2026-11-30T16:00:01Z", to: "2026-11-30T16:00:00Z" });
  assert.equal(zoomOf(turned, START), undefined);
  assert.equal(filterOf(new URLSearchParams("kinds=all-of-them"), START).kinds, "all");
});

test("periods in which spans only waited and nothing is dated are quiet", () => {
  assert.deepEqual(quietPeriods(layout), [
    { from: 200e6, to: 250e6 },
    { from: 250e6, to: 600e6 },
  ]);
});

test("the last part of a trace is quiet too", () => {
  const found = quietPeriods(layoutOf([span({ id: "a", took: 100 }), span({ id: "b", parent: "a", took: 40 })], NOW));
  assert.deepEqual(found, [{ from: 40e6, to: 100e6 }]);
});

test("the minimap counts what ran and happened in each step", () => {
  const { spans, logs, audits, errors } = minimapOf(layout, 10);
  assert.deepEqual(spans, [2, 2, 2, 1, 1, 1, 2, 3, 2, 2]);
  assert.deepEqual([logs, audits, errors], [[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [2], [2]]);
  assert.equal(areaOf([1, 4], 10, 8), "M0 10L0 6.0L1 6.0L1 2.0L2 2.0L2 10Z");
});

test("the summary is that of the API's overview", () => {
  const { services, actors, errors, missing, evidence } = summaryOf(layout);
  assert.deepEqual([services, [...actors], errors, missing], [["bank", "shop"], [["bob", ""]], 1, ["gone"]]);
  assert.deepEqual(evidence, [
    { word: "tampered", count: 1 },
    { word: "in no log", count: 1 },
    { word: "verified", count: 4 },
  ]);
});

test("notes are sentences that say how much", () => {
  const skewed = layoutOf([span({ id: "a", at: 3 }), span({ id: "b", parent: "a", at: 0 })], NOW);
  const child = skewed.rows[1];
  assert.ok(child);
  assert.match(sentencesOf(child, skewed)[0] ?? "", /^It begins 3 ms before its parent: clocks differ/);
});
