import assert from "node:assert/strict";
import { test } from "node:test";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { both, hasTerm, namesField, needsParentheses, toggled, tokensOf, withoutTerm, withTerm } from "./terms";

const shown = (query: string) => tokensOf(query).map(({ kind, start, end }) => `${kind} ${query.slice(start, end)}`);

test("a query is split at spaces, parentheses and ranges, but not within quotes", () => {
  assert.deepEqual(shown('a -b:"c d" (e OR f:[1 TO 2]) "x y'), [
    "term a",
    'term -b:"c d"',
    "open (",
    "term e",
    "operator OR",
    "term f:",
    "range [1 TO 2]",
    "close )",
    'term "x y',
  ]);
});

test("a field is what is before the first colon, without escapes", () => {
  assert.deepEqual(
    tokensOf(String.raw`a\:b:c "d:e" -f:g`).map(({ field }) => field),
    ["a:b", "", "f"],
  );
});

test("a query names a field only where it is one", () => {
  assert.ok(namesField("x OR (Evidence:tampered)", "evidence"));
  assert.ok(!namesField('"evidence:tampered" evidence', "evidence"));
});

test("only an OR outside of parentheses needs parentheses around the query", () => {
  assert.ok(needsParentheses("a OR b"));
  assert.ok(needsParentheses("a || b"));
  assert.ok(!needsParentheses("(a OR b) c"));
  assert.ok(!needsParentheses('"a OR b"'));
});

test("a term is added to the whole query", () => {
  assert.equal(withTerm("", "a:b"), "a:b");
  assert.equal(withTerm("x", "a:b"), "x a:b");
  assert.equal(withTerm("x OR y", "a:b"), "(x OR y) a:b");
  assert.equal(withTerm("x a:b", "a:b"), "x a:b");
});

test("a term is added before a query that goes on, which would take it in", () => {
  for (const query of ["x AND", "NOT", "x -", "severity:>=", "actor:"]) {
    assert.equal(withTerm(query, "a:b"), `a:b ${query}`);
  }
  assert.equal(withTerm('actor:"x:"', "a:b"), 'actor:"x:" a:b');
});

test("a query that closes more than it opened stays the error that it is", () => {
  assert.ok(!needsParentheses("a OR b) (c"));
});

test("a term that is excluded replaces the same term that is demanded", () => {
  assert.equal(withTerm('x a:"b c"', '-a:"b c"'), 'x -a:"b c"');
  assert.equal(withTerm("-a:b", "a:b"), "a:b");
});

test("only a term that stands on its own is removed", () => {
  assert.equal(withoutTerm("x a:b y", "a:b"), "x y");
  assert.equal(withoutTerm("x (a:b y)", "a:b"), "x (a:b y)");
  assert.equal(withoutTerm("x OR a:b", "a:b"), "x OR a:b");
  for (const query of ["NOT a:b", "- a:b", "a:b AND x", "x && a:b"]) assert.ok(!hasTerm(query, "a:b"), query);
});

test("a term may be a range, or a group in parentheses", () => {
  for (const term of ["x:[1 TO 2]", "-(a:b c)", '(a OR "b c")', "f\\ g"]) {
    assert.equal(withoutTerm(`y ${term}  z`, term), "y z");
    assert.ok(hasTerm(withTerm("y", term), term));
  }
});

test("a term is added once, and taken away again", () => {
  for (const term of ['action:"role.grant"', WITHOUT_WHO_LOOKED]) {
    const once = toggled("-outcome:success", term);
    assert.equal(once, `-outcome:success ${term}`);
    assert.equal(toggled(once, term), "-outcome:success");
    assert.equal(toggled(toggled("a OR b", term), term), "(a OR b)");
  }
});

test("two queries become one that demands both", () => {
  assert.equal(both("a OR b", "c"), "(a OR b) (c)");
  assert.equal(both("a", "  "), "a");
});
