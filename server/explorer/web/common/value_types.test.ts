import assert from "node:assert/strict";
import test from "node:test";
import { memberAt, memberMap, membersOf, typeName, typesIn } from "./value_types";

test("members of the same name are all kept, in their order", () => {
  assert.deepEqual(membersOf('{"a": "int", "b": ["int", "bool"] , "a":{"x":"double"}}'), [
    ["a", '"int"'],
    ["b", '["int", "bool"]'],
    ["a", '{"x":"double"}'],
  ]);
});

test("separators within strings end nothing", () => {
  assert.deepEqual(membersOf('{"a\\",:{":"int","b":"[,"}'), [
    ['a",:{', '"int"'],
    ["b", '"[,"'],
  ]);
});

test("a text that is not an object has no members", () => {
  for (const text of ["", "[]", "{}", "{", '{"a"', "null", "{1:2}"]) assert.deepEqual(membersOf(text), [], text);
});

test("a member is found by its path", () => {
  const details = '{"events":{"1":{"attributes":{"k":"int"}}},"rules":"7e"}';
  assert.equal(memberAt(details, "events", "1", "attributes"), '{"k":"int"}');
  assert.equal(memberAt(details, "rules"), '"7e"');
  assert.equal(memberAt(details, "events", "0", "attributes"), undefined);
});

test("an attribute with values of several types has them all", () => {
  const types = typesIn('{"n":"int","n":"string","list":["int"],"texts":[],"pair":{"a":"bool"}}');
  assert.deepEqual(
    [...types],
    [
      ["n", "int or string"],
      ["list", "array of int"],
      ["texts", "array of strings"],
      ["pair", "map"],
    ],
  );
});

test("a type that no server writes is not taken for one", () => {
  assert.equal(typeName("7"), "unknown");
  assert.equal(typeName("[["), "array");
});

test("of members of one name, a map has the first, as a path finds it", () => {
  const json = '{"a":"int","b":"bool","a":"double"}';
  assert.deepEqual([...memberMap(json)].sort(), [
    ["a", '"int"'],
    ["b", '"bool"'],
  ]);
  assert.equal(memberAt(json, "a"), memberMap(json).get("a"));
  assert.equal(memberMap(undefined).size, 0);
});
