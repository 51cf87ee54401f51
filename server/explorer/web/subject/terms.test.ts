import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted, termOf } from "../common/terms";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { both, hasTerm, termsOf, toggled } from "./terms";

test("quotes and backslashes of a value are escaped", () => {
  assert.equal(quoted('a "b" \\c'), '"a \\"b\\" \\\\c"');
  assert.equal(termOf("actor", 'x" OR *'), 'actor:"x\\" OR *"');
});

test("spaces in quotes, parentheses and after a backslash do not separate terms", () => {
  assert.deepEqual(termsOf('a:"b \\" c" (d OR e)  f\\ g x:[1 TO 2]'), [
    'a:"b \\" c"',
    "(d OR e)",
    "f\\ g",
    "x:[1 TO 2]",
  ]);
});

test("a query with an operator, or without an end, has no terms that may be taken out", () => {
  for (const query of ["a OR b", "NOT a", "a && b", '"a', "(a"]) assert.equal(termsOf(query), undefined);
});

test("a term is added once, and taken away again", () => {
  const term = termOf("action", "role.grant");
  const narrowed = toggled("-outcome:success", term);
  assert.equal(narrowed, '-outcome:success action:"role.grant"');
  assert.ok(hasTerm(narrowed, term));
  assert.equal(toggled(narrowed, term), "-outcome:success");
});

test("alternatives stay together when a term is added to them", () => {
  const narrowed = toggled("a OR b", "c:d");
  assert.equal(narrowed, "(a OR b) c:d");
  assert.equal(toggled(narrowed, "c:d"), "(a OR b)");
});

test("two queries become one that demands both", () => {
  assert.equal(both("a OR b", "c"), "(a OR b) (c)");
  assert.equal(both("a", "  "), "a");
});

test("what leaves out records of who looked is one term: a press adds it, and the next one takes it out", () => {
  const once = toggled("actor:bob", WITHOUT_WHO_LOOKED);
  assert.equal(once, `actor:bob ${WITHOUT_WHO_LOOKED}`);
  assert.equal(toggled(once, WITHOUT_WHO_LOOKED), "actor:bob");
});
