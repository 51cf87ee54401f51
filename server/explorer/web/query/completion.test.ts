import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, completed, contextAt, fieldSuggestions, valueSuggestions } from "./completion";

/** The context at the bar in a query. */
const at = (text: string): Context => contextAt(text.replace("|", ""), text.indexOf("|"));
const NAMES = {
  fields: ["actor", "action", "severity"],
  attributes: [
    { name: "LogAttributes.http.method", count: "3000" },
    { name: "LogAttributes.audit.actor.id", count: "7" },
  ],
};

test("a word is the beginning of a field", () => {
  assert.deepEqual(at("foo act|"), { kind: "field", prefix: "act", from: 4, to: 7, afterTerm: false });
  assert.deepEqual(at("-act|or"), { kind: "field", prefix: "act", from: 1, to: 6, afterTerm: false });
});

test("after a colon there is a value, also in quotes, after a comparison and in parentheses", () => {
  assert.deepEqual(at("actor:bo|"), { kind: "value", field: "actor", prefix: "bo", from: 6, to: 8 });
  assert.deepEqual(at('actor:"b o|'), { kind: "value", field: "actor", prefix: "b o", from: 6, to: 10 });
  assert.deepEqual(at("severity:>=er|"), { kind: "value", field: "severity", prefix: "er", from: 11, to: 13 });
  assert.deepEqual(at("action:(login OR lo|)"), { kind: "value", field: "action", prefix: "lo", from: 17, to: 19 });
  assert.deepEqual(at("action:(|"), { kind: "value", field: "action", prefix: "", from: 8, to: 8 });
});

test("in phrases and ranges there is nothing to complete", () => {
  assert.deepEqual(at('"some te|xt"'), { kind: "nothing" });
  assert.deepEqual(at("leaf:[1 T|O 2]"), { kind: "nothing" });
});

test("operators are suggested after a term, and fields with the best first", () => {
  assert.deepEqual(at("a |"), { kind: "field", prefix: "", from: 2, to: 2, afterTerm: true });
  assert.deepEqual(
    fieldSuggestions(NAMES, "", true)
      .slice(0, 4)
      .map(({ label }) => label),
    ["AND", "OR", "NOT", "actor"],
  );
  assert.deepEqual(
    fieldSuggestions(NAMES, "act", false).map(({ label }) => label),
    ["actor", "action", "LogAttributes.audit.actor.id"],
  );
  assert.deepEqual(
    fieldSuggestions(NAMES, "http", false).map(({ insert }) => insert),
    ["LogAttributes.http.method:"],
  );
});

test("values are put in quotes, with what is special in them escaped", () => {
  assert.deepEqual(valueSuggestions("actor", "a", [{ value: 'a "b\\', count: "5" }])[0], {
    insert: String.raw`"a \"b\\"`,
    label: 'a "b\\',
    note: "5 records",
  });
  assert.deepEqual(
    valueSuggestions("severity", "e", []).map(({ insert }) => insert),
    ["error"],
  );
});

test("a suggestion replaces what was being written, and the cursor is behind it", () => {
  const context = at("x act| y");
  assert.ok(context.kind !== "nothing");
  assert.deepEqual(completed("x act y", context, { insert: "actor:", label: "", note: "" }), {
    query: "x actor: y",
    cursor: 8,
  });
  const value = at("actor:b|");
  assert.ok(value.kind !== "nothing");
  assert.deepEqual(completed("actor:b", value, { insert: '"bob"', label: "", note: "" }), {
    query: 'actor:"bob" ',
    cursor: 12,
  });
});

test("names that every object inherits are as unknown as others", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    assert.deepEqual(
      fieldSuggestions({ fields: [name], attributes: [] }, name, false).map(({ note }) => note),
      [""],
    );
    const values = valueSuggestions(name, "", [{ value: "x", count: "7" }]);
    assert.deepEqual(values, [{ insert: '"x"', label: "x", note: "7 records" }]);
  }
});
