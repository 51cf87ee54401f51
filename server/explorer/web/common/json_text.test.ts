import assert from "node:assert/strict";
import test from "node:test";
import { looksLikeJson, prettyJson } from "./json_text";

test("numbers and repeated names stay as they were written", () => {
  assert.equal(
    prettyJson('{"n":12345678901234567890.10,"n":1,"empty":{},"list":[ ],"a":[1,{"b":null}]}'),
    `{
  "n": 12345678901234567890.10,
  "n": 1,
  "empty": {},
  "list": [],
  "a": [
    1,
    {
      "b": null
    }
  ]
}`,
  );
});

test("brackets and spaces in strings stay as they are", () => {
  assert.equal(prettyJson('["a{ ,:\\"[", "b"]'), '[\n  "a{ ,:\\"[",\n  "b"\n]');
});

test("only objects and arrays are JSON to show over several lines", () => {
  for (const text of ["7", '"a"', "{not json}", "[1,]", "{", ""]) assert.equal(prettyJson(text), undefined, text);
  assert.equal(looksLikeJson(" [1] \n"), true);
  assert.equal(looksLikeJson("[1}"), false);
});
