import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted, termOf } from "./terms";

test("a term keeps signs of the query language from having a meaning", () => {
  assert.equal(quoted('a "b" \\c'), '"a \\"b\\" \\\\c"');
  assert.equal(termOf("actor", 'a "b" \\c'), 'actor:"a \\"b\\" \\\\c"');
  assert.equal(termOf("LogAttributes.a b(c)*:d", "x"), 'LogAttributes.a\\ b\\(c\\)\\*\\:d:"x"');
});
