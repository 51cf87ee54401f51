import assert from "node:assert/strict";
import test from "node:test";
import { changesBetween, parsedText } from "./diff";

const between = (before: unknown, after: unknown) =>
  changesBetween(parsedText(JSON.stringify(before)), parsedText(JSON.stringify(after)));

test("members are told apart by whether they were added, removed or changed", () => {
  assert.deepEqual(between({ limit: 100, mode: "strict", gone: [1] }, { limit: 250, mode: "strict", by: "alice" }), [
    { path: "limit", kind: "changed", before: "100", after: "250" },
    { path: "gone", kind: "removed", before: "[1]" },
    { path: "by", kind: "added", after: "alice" },
  ]);
});

test("a member is named by its path, in brackets if its name looks like a path", () => {
  assert.deepEqual(
    between({ a: { "b.c/d": { e: 1 } }, l: [1, 2] }, { a: { "b.c/d": { e: 2 } }, l: [1, 3] }).map(({ path }) => path),
    ['a["b.c/d"].e', "l[1]"],
  );
});

test("elements with names of their own are compared by these, wherever they are", () => {
  const before = { containers: [{ name: "web", image: "web:1" }] };
  const after = {
    containers: [
      { name: "proxy", image: "proxy:1" },
      { name: "web", image: "web:2" },
    ],
  };
  assert.deepEqual(between(before, after), [
    { path: "containers[name=web].image", kind: "changed", before: "web:1", after: "web:2" },
    { path: "containers[name=proxy]", kind: "added", after: '{"name": "proxy", "image": "proxy:1"}' },
  ]);
});

test("numbers beyond 2^53 are told apart", () => {
  const changes = changesBetween(parsedText('{"n":9007199254740993}'), parsedText('{"n":9007199254740992}'));
  assert.deepEqual(changes, [{ path: "n", kind: "changed", before: "9007199254740993", after: "9007199254740992" }]);
});

test("a number that became a text is a change, even if they look alike", () => {
  assert.equal(between({ n: 1 }, { n: "1" }).length, 1);
});

test("a text that only looks like JSON is compared as text", () => {
  assert.deepEqual(changesBetween(parsedText("{a}"), parsedText("{b}")), [
    { path: "", kind: "changed", before: "{a}", after: "{b}" },
  ]);
  assert.deepEqual(changesBetween(parsedText("{a}"), parsedText("{a}")), []);
});

test("names that objects have of their own are names like all others", () => {
  assert.deepEqual(
    changesBetween(parsedText('{"__proto__":1,"constructor":1}'), parsedText('{"__proto__":2}')).map(
      ({ path, kind }) => [path, kind],
    ),
    [
      ["__proto__", "changed"],
      ["constructor", "removed"],
    ],
  );
});
