import assert from "node:assert/strict";
import test from "node:test";
import { comparisonsOf, MOST_COMPARISONS, pairsAmong } from "./comparisons";

const names = (...pairs: [string, string][]) => comparisonsOf(pairs.map(([name, value]) => ({ name, value })));

test("names that differ in a word for earlier and later are pairs", () => {
  const pairs: [string, string][] = [
    ["change.before", "change.after"],
    ["role.old", "role.new"],
    ["old_value", "new_value"],
    ["oldValue", "newValue"],
    ["attributes.oldValue", "attributes.newValue"],
    ["state.from", "state.to"],
    ["emailBefore", "emailAfter"],
    ["previous_email", "updated_email"],
    ["audit.requestObject", "audit.responseObject"],
  ];
  for (const pair of pairs) assert.deepEqual(pairsAmong([...pair]), [pair]);
});

test("a word within another word makes no pair", () => {
  assert.deepEqual(pairsAmong(["gold", "gnew", "fromage", "toage", "bold.x", "bnew.x", "before"]), []);
});

test("JSON in a pair of attributes is compared by path", () => {
  const [only] = names(["change.before", '{"limit":100,"mode":"a"}'], ["change.after", '{"limit":250,"mode":"a"}']);
  assert.deepEqual(only, {
    before: "change.before",
    after: "change.after",
    changes: [{ path: "limit", kind: "changed", before: "100", after: "250" }],
  });
});

test("an audit event of Kubernetes has what was asked for and what was stored", () => {
  const body = { kind: "Event", requestObject: { spec: { replicas: 3 } }, responseObject: { spec: { replicas: 2 } } };
  assert.deepEqual(names(["body", JSON.stringify(body)]), [
    {
      before: "body.requestObject",
      after: "body.responseObject",
      changes: [{ path: "spec.replicas", kind: "changed", before: "3", after: "2" }],
    },
  ]);
});

test("an event of GitHub has earlier values apart from the object that has the later ones", () => {
  const body = { action: "edited", changes: { title: { from: "Old" } }, issue: { title: "New" }, sender: { id: 1 } };
  assert.deepEqual(names(["body", JSON.stringify(body)]), [
    {
      before: "body.changes.title.from",
      after: "body.issue.title",
      changes: [{ path: "", kind: "changed", before: "Old", after: "New" }],
    },
  ]);
  const flat = names(["LogAttributes.changes.title.from", "Old"], ["LogAttributes.issue.title", "New"]);
  assert.equal(flat[0]?.after, "LogAttributes.issue.title");
});

test("the representation in an event of Keycloak is JSON within JSON", () => {
  const representation = JSON.stringify({ attributes: { old: { email: "a" }, new: { email: "b" } } });
  const found = names(["body", JSON.stringify({ operationType: "UPDATE", representation })]);
  assert.deepEqual(found[0]?.changes, [{ path: "email", kind: "changed", before: "a", after: "b" }]);
  assert.equal(found[0]?.before, "body.representation.attributes.old");
});

test("equal values of a pair are a comparison without changes", () => {
  assert.deepEqual(names(["a.old", "x"], ["a.new", "x"])[0]?.changes, []);
});

test("a record without a pair has no comparison", () => {
  assert.deepEqual(names(["a", "b"], ["json", '{"x":[{"y":1}]}']), []);
});

/** Attributes as the sender of a record of 1.5 MB may choose them. */
const MANY = 65_536;
const many = (name: (at: number) => string) =>
  Array.from({ length: MANY }, (_, at) => ({ name: name(at), value: "1" }));

test("a record of very many changes is compared up to a limit", { timeout: 20_000 }, () => {
  assert.equal(
    comparisonsOf(many((at) => (at % 2 ? `issue.m${at - 1}` : `changes.m${at}.from`))).length,
    MOST_COMPARISONS,
  );
  assert.equal(comparisonsOf(many((at) => `a${at >> 1}.${at % 2 ? "old" : "new"}`)).length, MOST_COMPARISONS);
  assert.deepEqual(comparisonsOf(many((at) => `changes.m${at}.from`)), []);
});

test("a JSON of very many changes is compared up to a limit", { timeout: 20_000 }, () => {
  const changes = Object.fromEntries(Array.from({ length: MANY }, (_, at) => [`m${at}`, { from: 1 }]));
  const holders = Object.fromEntries(Array.from({ length: MANY }, (_, at) => [`h${at}`, { other: 1 }]));
  assert.deepEqual(names(["body", JSON.stringify({ changes, ...holders })]), []);
  const issue = Object.fromEntries(Object.keys(changes).map((name) => [name, 2]));
  assert.equal(names(["body", JSON.stringify({ changes, issue })]).length, MOST_COMPARISONS);
});

test("a very long name is not taken apart", { timeout: 20_000 }, () => {
  assert.deepEqual(names([`${"changes.".repeat(150_000)}x`, "1"], [`${"changes.".repeat(150_000)}from`, "1"]), []);
});
